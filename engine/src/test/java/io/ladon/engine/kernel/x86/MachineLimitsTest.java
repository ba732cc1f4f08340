package io.ladon.engine.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MachineLimitsTest {

  @ParameterizedTest
  @EnumSource
  void measuresWhatACpuCanDo(Tier tier) throws IOException {
    String obstacle = MachineCode.obstacle(tier);
    assumeTrue(obstacle.isEmpty(), obstacle);
    // A slow core of a busy machine still does one instruction in ten cycles.
    assertThat(MachineLimits.byteOperations(tier)).isBetween(5e9, 1e13);
    assertThat(MachineLimits.floatOperations(tier)).isBetween(1e9, 1e13);
    try (Arena arena = Arena.ofConfined()) {
      assertThat(MachineLimits.readBytes(arena.allocate(1 << 20, 64))).isBetween(1e8, 1e13);
    }
  }
}
