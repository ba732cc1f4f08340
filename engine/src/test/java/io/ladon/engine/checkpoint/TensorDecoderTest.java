package io.ladon.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Blocks laid out and worked out by hand from the formats' definitions. */
class TensorDecoderTest {

  private static final int HALF_EIGHTH = 0x3000;
  private static final int HALF_QUARTER = 0x3400;
  private static final int HALF_HALF = 0x3800;
  private static final int HALF_ONE = 0x3c00;
  private static final int HALF_TWO = 0x4000;
  private static final int HALF_MINUS_ONE = 0xbc00;

  @Test
  void f32() {
    assertThat(decode(TensorType.F32, new Bytes().u32(0x40490fdb).u32(0x80000000), 2))
        .containsExactly(3.1415927f, -0f);
  }

  @Test
  void f16() {
    Bytes bytes = new Bytes().u16(0x3c01).u16(0x0001).u16(0xfc00).u16(0xc500);
    assertThat(decode(TensorType.F16, bytes, 4))
        .containsExactly(1 + 0x1p-10f, 0x1p-24f, Float.NEGATIVE_INFINITY, -5);
  }

  @Test
  void bf16() {
    assertThat(decode(TensorType.BF16, new Bytes().u16(0x3fc0).u16(0xc2f7), 2))
        .containsExactly(1.5f, -123.5f);
  }

  @Test
  void q40() {
    Bytes bytes = new Bytes().u16(HALF_HALF).u8(0xf0, 0x18);
    for (int i = 2; i < 16; i++) {
      bytes.u8(0x88);
    }
    assertThat(decode(TensorType.Q4_0, bytes, 32))
        .containsExactly(expected(32, 0, Map.of(0, -4f, 16, 3.5f, 17, -3.5f)));
  }

  @Test
  void q41() {
    Bytes bytes = new Bytes().u16(HALF_QUARTER).u16(HALF_MINUS_ONE).u8(0xf0).zeros(14).u8(0x42);
    assertThat(decode(TensorType.Q4_1, bytes, 32))
        .containsExactly(expected(32, -1, Map.of(16, 2.75f, 15, -0.5f, 31, 0f)));
  }

  @Test
  void q50() {
    Bytes bytes =
        new Bytes().u16(HALF_TWO).u32(1 | 1 << 17 | 1 << 31).u8(0x21, 0x34).zeros(13).u8(0xf5);
    assertThat(decode(TensorType.Q5_0, bytes, 32))
        .containsExactly(
            expected(32, -32, Map.of(0, 2f, 16, -28f, 1, -24f, 17, 6f, 15, -22f, 31, 30f)));
  }

  @Test
  void q51() {
    Bytes bytes =
        new Bytes()
            .u16(HALF_ONE)
            .u16(HALF_HALF)
            .u32(1 | 1 << 17 | 1 << 31)
            .u8(0x21, 0x34)
            .zeros(13)
            .u8(0xf5);
    assertThat(decode(TensorType.Q5_1, bytes, 32))
        .containsExactly(
            expected(
                32, 0.5f, Map.of(0, 17.5f, 16, 2.5f, 1, 4.5f, 17, 19.5f, 15, 5.5f, 31, 31.5f)));
  }

  @Test
  void q80() {
    Bytes bytes = new Bytes().u16(HALF_EIGHTH).u8(127, -128).zeros(29).u8(1);
    assertThat(decode(TensorType.Q8_0, bytes, 32))
        .containsExactly(expected(32, 0, Map.of(0, 15.875f, 1, -16f, 31, 0.125f)));
  }

  @Test
  void q4k() {
    assertThat(decode(TensorType.Q4_K, halves(scales()), 256)).containsExactly(kExpected());
  }

  @Test
  void q5k() {
    // Bit g of byte i is the fifth bit of column i of group g.
    Bytes bytes = halves(scales().u8(0b1000_0001).zeros(30).u8(0b0000_0010));
    float[] expected = kExpected();
    expected[0] = 17; // 1 * (1 + 16) - 0
    expected[224] = 1103; // 63 * (2 + 16) - 31
    expected[63] = 61.5f; // 2 * (15 + 16) - 0.5
    assertThat(decode(TensorType.Q5_K, bytes, 256)).containsExactly(expected);
  }

  @Test
  void q6k() {
    Bytes bytes = new Bytes();
    bytes.u8(0x5a).zeros(62).u8(0x0f); // low halves, columns 0..127
    bytes.zeros(63).u8(0xf0); // low halves, columns 128..255
    bytes.u8(0b11_10_01_00).zeros(31); // high bits, columns 0..127
    bytes.zeros(31).u8(0b11_00_00_00); // high bits, columns 128..255
    int[] scales = {1, 2, 3, -4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -128};
    bytes.u8(scales).u16(HALF_HALF);
    float[] expected = new float[256];
    for (int column = 0; column < 256; column++) {
      expected[column] = -16 * scales[column / 16]; // 0.5 * scale * (0 - 32)
    }
    expected[0] = -11; // 0.5 * 1 * (10 - 32)
    expected[32] = -24; // 0.5 * 3 * (16 - 32)
    expected[64] = 12.5f; // 0.5 * 5 * (5 + 32 - 32)
    expected[96] = 56; // 0.5 * 7 * (48 - 32)
    expected[63] = 34; // 0.5 * -4 * (15 - 32)
    expected[255] = -1984; // 0.5 * -128 * (15 + 48 - 32)
    assertThat(decode(TensorType.Q6_K, bytes, 256)).containsExactly(expected);
  }

  @Test
  void decodesFromAnOffsetBlockAfterBlock() {
    Bytes bytes = new Bytes().zeros(3);
    for (int block = 1; block <= 2; block++) {
      bytes.u16(HALF_ONE);
      for (int i = 0; i < 32; i++) {
        bytes.u8(block * i);
      }
    }
    float[] out = new float[70];
    TensorDecoder.decode(TensorType.Q8_0, bytes.segment(), 3, out, 5, 64);
    assertThat(Arrays.copyOfRange(out, 0, 5)).containsOnly(0);
    assertThat(out[5 + 31]).isEqualTo(31);
    assertThat(out[5 + 63]).isEqualTo(62);
    assertThat(out[69]).isZero();
  }

  @Test
  void refusesWhatIsNotThere() {
    Bytes bytes = new Bytes().zeros(34);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> decode(TensorType.Q8_0, bytes, 64));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(
            () -> TensorDecoder.decode(TensorType.Q8_0, bytes.segment(), 0, new float[40], 9, 32));
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> decode(TensorType.Q8_0, bytes, 31));
  }

  /**
   * d = 1, dmin = 0.5; scales 1 2 3 63 17 37 5 63, minimums 0 1 2 63 16 33 7 62. The upper two bits
   * of the last four stand above the first four, their lower four in the last four bytes.
   */
  private static Bytes scales() {
    return new Bytes()
        .u16(HALF_ONE)
        .u16(HALF_HALF)
        .u8(1 | 1 << 6, 2 | 2 << 6, 3, 63 | 3 << 6)
        .u8(1 << 6, 1 | 2 << 6, 2, 63 | 3 << 6)
        .u8(1, 5 | 1 << 4, 5 | 7 << 4, 15 | 14 << 4);
  }

  /** In each 32 bytes the first is 0x21 and the last 0xf0; the others are 0. */
  private static Bytes halves(Bytes bytes) {
    for (int i = 0; i < 4; i++) {
      bytes.u8(0x21).zeros(30).u8(0xf0);
    }
    return bytes;
  }

  /** By group: -minimum / 2; plus scale x 1 (or x 2) in column 0, scale x 15 in the odd last. */
  private static float[] kExpected() {
    float[] base = {0, -0.5f, -1, -31.5f, -8, -16.5f, -3.5f, -31};
    float[] expected = new float[256];
    for (int i = 0; i < 256; i++) {
      expected[i] = base[i / 32];
    }
    expected[0] = 1;
    expected[32] = 3.5f;
    expected[63] = 29.5f;
    expected[64] = 2;
    expected[96] = 94.5f;
    expected[127] = 913.5f;
    expected[128] = 9;
    expected[160] = 57.5f;
    expected[191] = 538.5f;
    expected[192] = 1.5f;
    expected[224] = 95;
    expected[255] = 914;
    return expected;
  }

  private static float[] expected(int size, float otherwise, Map<Integer, Float> values) {
    float[] expected = new float[size];
    Arrays.fill(expected, otherwise);
    values.forEach((index, value) -> expected[index] = value);
    return expected;
  }

  private static float[] decode(TensorType type, Bytes bytes, int elements) {
    float[] out = new float[elements];
    TensorDecoder.decode(type, bytes.segment(), 0, out, 0, elements);
    return out;
  }
}
