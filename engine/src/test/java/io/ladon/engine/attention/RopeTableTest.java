package io.ladon.engine.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.model.RopeSpec;
import io.ladon.engine.model.RopeSpec.Style;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RopeTableTest {

  private static final int SIZE = 12;
  private static final int DIMENSIONS = 8;

  @ParameterizedTest
  @EnumSource(Style.class)
  void rotatesPairsByTheirAngle(Style style) {
    RopeSpec spec = new RopeSpec(style, DIMENSIONS, 10000f, 500f, 0.5f, true);
    float[] factors = {1f, 2f, 4f, 8f};
    RopeTable table = new RopeTable(spec, spec.base(), spec.positionScale(), factors, 1000);
    try (Arena arena = Arena.ofConfined()) {
      for (int position : new int[] {0, 1, 63, 64, 999}) {
        FloatTensor x = FloatTensor.allocate(arena, 2, SIZE);
        for (int i = 0; i < SIZE; i++) {
          x.set(1, i, i + 1);
        }
        table.prepare(position, position + 1);
        table.rotate(x.segment().address() + 4L * SIZE, 1, SIZE, position);
        for (int pair = 0; pair < DIMENSIONS / 2; pair++) {
          int a = style == Style.ADJACENT ? 2 * pair : pair;
          int b = style == Style.ADJACENT ? 2 * pair + 1 : pair + DIMENSIONS / 2;
          double angle = position * 0.5 * Math.pow(10000, -2.0 * pair / DIMENSIONS) / factors[pair];
          assertThat((double) x.get(1, a))
              .isCloseTo((a + 1) * Math.cos(angle) - (b + 1) * Math.sin(angle), within(1e-5));
          assertThat((double) x.get(1, b))
              .isCloseTo((a + 1) * Math.sin(angle) + (b + 1) * Math.cos(angle), within(1e-5));
        }
        for (int i = DIMENSIONS; i < SIZE; i++) {
          assertThat(x.get(1, i)).isEqualTo(i + 1);
        }
      }
    }
  }

  @Test
  void aPositionMustBePrepared() {
    RopeSpec spec = new RopeSpec(Style.HALVES, DIMENSIONS, 10000f, 10000f, 1f, false);
    RopeTable table = new RopeTable(spec, spec.base(), 1f, null, 200);
    try (Arena arena = Arena.ofConfined()) {
      FloatTensor x = FloatTensor.allocate(arena, 1, SIZE);
      table.prepare(0, 1);
      assertThatThrownBy(() -> table.rotate(x.segment().address(), 1, SIZE, 64))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("position 64");
    }
  }
}
