package io.ladon.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorEncoderTest {

  @ParameterizedTest
  @EnumSource(TensorType.class)
  void decodesToTheNearestLevels(TensorType type) {
    Random random = new Random(5);
    float[] values = new float[512];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat(-1, 1);
    }
    float[] decoded = roundTrip(type, values);
    float error = allowedError(type);
    for (int i = 0; i < values.length; i++) {
      assertThat(decoded[i]).as("element %d", i).isCloseTo(values[i], within(error));
    }
  }

  @ParameterizedTest
  @EnumSource(TensorType.class)
  void keepsZeros(TensorType type) {
    assertThat(roundTrip(type, new float[256])).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(TensorType.class)
  void keepsOneSidedBlocks(TensorType type) {
    for (float sign : new float[] {1, -1}) {
      float[] values = new float[256];
      for (int i = 0; i < values.length; i++) {
        values[i] = sign * (0.5f + 0.5f * (i % 17) / 16);
      }
      float[] decoded = roundTrip(type, values);
      for (int i = 0; i < values.length; i++) {
        assertThat(decoded[i]).as("element %d", i).isCloseTo(values[i], within(allowedError(type)));
      }
    }
  }

  @Test
  void bfloat16RoundsToEven() {
    float[] values = {1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.8p-8f, Float.NaN};
    assertThat(roundTrip(TensorType.BF16, values))
        .containsExactly(1, 1 + 0x4p-8f, 1 + 0x2p-8f, Float.NaN);
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(
            () -> TensorEncoder.encode(TensorType.Q4_0, new float[32], 0, 32, new byte[17], 0));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(
            () -> TensorEncoder.encode(TensorType.Q4_0, new float[32], 1, 32, new byte[18], 0));
  }

  /** For elements from -1 to 1: half a step, or a whole one where the top level falls short. */
  private static float allowedError(TensorType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 0x1p-12f;
      case BF16 -> 0x1p-9f;
      case Q8_0 -> 0.0045f;
      case Q4_0 -> 1 / 8f + 0.001f;
      case Q5_0 -> 1 / 16f + 0.001f;
      case Q4_1, Q4_K -> 1 / 15f + 0.02f;
      case Q5_1, Q5_K -> 1 / 31f + 0.02f;
      case Q6_K -> 1 / 32f + 0.004f;
    };
  }

  private static float[] roundTrip(TensorType type, float[] values) {
    byte[] bytes = new byte[3 + (int) type.bytesFor(values.length)];
    TensorEncoder.encode(type, values, 0, values.length, bytes, 3);
    float[] decoded = new float[values.length];
    TensorDecoder.decode(type, MemorySegment.ofArray(bytes), 3, decoded, 0, values.length);
    return decoded;
  }
}
