package io.ladon.engine.checkpoint;

import java.util.Arrays;

/**
 * Encodes float32 elements in every type, by rounding each to the nearest level of its block. It
 * does not search for better scales as a real quantiser does: it is there to write random models
 * and test data.
 */
public final class TensorEncoder {

  private TensorEncoder() {}

  /**
   * Encodes consecutive elements.
   *
   * @param elements a whole number of the type's blocks
   */
  public static void encode(
      TensorType type, float[] in, int inOffset, int elements, byte[] out, int outOffset) {
    long bytes = type.bytesFor(elements);
    if (inOffset + elements > in.length || outOffset + bytes > out.length) {
      throw new IndexOutOfBoundsException(
          "%d elements of %s: floats from %d of %d, bytes from %d of %d"
              .formatted(elements, type, inOffset, in.length, outOffset, out.length));
    }
    Arrays.fill(out, outOffset, outOffset + (int) bytes, (byte) 0);
    int at = outOffset;
    for (int i = inOffset; i < inOffset + elements; i += type.blockElements()) {
      switch (type) {
        case F32 -> putInt(out, at, Float.floatToRawIntBits(in[i]));
        case F16 -> putShort(out, at, Float.floatToFloat16(in[i]));
        case BF16 -> putShort(out, at, bfloat16(in[i]));
        case Q4_0 -> encodeSigned(in, i, 4, out, at);
        case Q5_0 -> encodeSigned(in, i, 5, out, at);
        case Q4_1 -> encodeWithMinimum(in, i, 4, out, at);
        case Q5_1 -> encodeWithMinimum(in, i, 5, out, at);
        case Q8_0 -> encodeQ80(in, i, out, at);
        case Q4_K -> encodeSuperBlock(in, i, 4, out, at);
        case Q5_K -> encodeSuperBlock(in, i, 5, out, at);
        case Q6_K -> encodeQ6K(in, i, out, at);
      }
      at += type.blockBytes();
    }
  }

  /** Q4_0 and Q5_0: the element farthest from zero takes the lowest level. */
  private static void encodeSigned(float[] in, int i, int bits, byte[] out, int at) {
    int half = 1 << (bits - 1);
    float scale = putHalf(out, at, 0 - farthest(in, i, 32) / half);
    for (int j = 0; j < 32; j++) {
      put32(out, at + 2, bits, j, level(in[i + j], scale, -half, half - 1) + half);
    }
  }

  /** Q4_1 and Q5_1: levels from the smallest to the largest element. */
  private static void encodeWithMinimum(float[] in, int i, int bits, byte[] out, int at) {
    int top = (1 << bits) - 1;
    float minimum = min(in, i, 32);
    float scale = putHalf(out, at, (max(in, i, 32) - minimum) / top);
    minimum = putHalf(out, at + 2, minimum);
    for (int j = 0; j < 32; j++) {
      put32(out, at + 4, bits, j, level(in[i + j] - minimum, scale, 0, top));
    }
  }

  private static void encodeQ80(float[] in, int i, byte[] out, int at) {
    float scale = putHalf(out, at, Math.abs(farthest(in, i, 32)) / 127);
    for (int j = 0; j < 32; j++) {
      out[at + 2 + j] = (byte) level(in[i + j], scale, -127, 127);
    }
  }

  /** Q4_K and Q5_K: eight groups of 32 with 6-bit scales and minimums. */
  private static void encodeSuperBlock(float[] in, int i, int bits, byte[] out, int at) {
    int top = (1 << bits) - 1;
    float[] scales = new float[8];
    float[] minimums = new float[8];
    for (int g = 0; g < 8; g++) {
      minimums[g] = -Math.min(0, min(in, i + g * 32, 32));
      scales[g] = (Math.max(0, max(in, i + g * 32, 32)) + minimums[g]) / top;
    }
    float d = putHalf(out, at, max(scales, 0, 8) / 63);
    float dMinimum = putHalf(out, at + 2, max(minimums, 0, 8) / 63);
    int halves = at + (bits == 4 ? 16 : 48);
    for (int g = 0; g < 8; g++) {
      int scale = level(scales[g], d, 0, 63);
      int minimum = level(minimums[g], dMinimum, 0, 63);
      putScale(out, at + 4, g, scale, minimum);
      for (int j = 0; j < 32; j++) {
        int q = level(in[i + g * 32 + j] + dMinimum * minimum, d * scale, 0, top);
        out[halves + g / 2 * 32 + j] |= (byte) ((q & 15) << (g % 2 * 4));
        if (bits == 5) {
          out[at + 16 + j] |= (byte) ((q >> 4) << g);
        }
      }
    }
  }

  private static void encodeQ6K(float[] in, int i, byte[] out, int at) {
    float[] scales = new float[16];
    for (int g = 0; g < 16; g++) {
      scales[g] = farthest(in, i + g * 16, 16) / -32;
    }
    float d = putHalf(out, at + 208, Math.abs(farthest(scales, 0, 16)) / 127);
    for (int column = 0; column < 256; column++) {
      int scale = level(scales[column / 16], d, -127, 127);
      out[at + 192 + column / 16] = (byte) scale;
      int q = level(in[i + column], d * scale, -32, 31) + 32;
      int side = column / 128;
      int group = column % 128 / 32;
      out[at + side * 64 + group % 2 * 32 + column % 32] |= (byte) ((q & 15) << (group / 2 * 4));
      out[at + 128 + side * 32 + column % 32] |= (byte) ((q >> 4) << (group * 2));
    }
  }

  /** Element {@code j} of 32: a fifth bit in the first four bytes, if any; then halves. */
  private static void put32(byte[] out, int at, int bits, int j, int q) {
    int halves = at;
    if (bits == 5) {
      out[at + j / 8] |= (byte) ((q >> 4) << (j % 8));
      halves += 4;
    }
    out[halves + j % 16] |= (byte) ((q & 15) << (j / 16 * 4));
  }

  private static void putScale(byte[] out, int at, int group, int scale, int minimum) {
    if (group < 4) {
      out[at + group] |= (byte) scale;
      out[at + group + 4] |= (byte) minimum;
    } else {
      out[at + group + 4] |= (byte) ((scale & 15) | (minimum & 15) << 4);
      out[at + group - 4] |= (byte) (scale >> 4 << 6);
      out[at + group] |= (byte) (minimum >> 4 << 6);
    }
  }

  private static int level(float x, float scale, int lowest, int highest) {
    if (scale == 0) {
      return Math.clamp(0, lowest, highest);
    }
    return (int) Math.clamp(Math.rint(x / scale), (double) lowest, (double) highest);
  }

  private static float farthest(float[] in, int from, int count) {
    float farthest = 0;
    for (int i = from; i < from + count; i++) {
      if (Math.abs(in[i]) > Math.abs(farthest)) {
        farthest = in[i];
      }
    }
    return farthest;
  }

  private static float min(float[] in, int from, int count) {
    float min = in[from];
    for (int i = from + 1; i < from + count; i++) {
      min = Math.min(min, in[i]);
    }
    return min;
  }

  private static float max(float[] in, int from, int count) {
    float max = in[from];
    for (int i = from + 1; i < from + count; i++) {
      max = Math.max(max, in[i]);
    }
    return max;
  }

  /** Rounded to the nearest, ties to even. */
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  /** Writes a float16 and returns what it stands for. */
  private static float putHalf(byte[] out, int at, float value) {
    short half = Float.floatToFloat16(value);
    putShort(out, at, half);
    return Float.float16ToFloat(half);
  }

  private static void putShort(byte[] out, int at, short value) {
    out[at] = (byte) value;
    out[at + 1] = (byte) (value >> 8);
  }

  private static void putInt(byte[] out, int at, int value) {
    putShort(out, at, (short) value);
    putShort(out, at + 2, (short) (value >> 16));
  }
}
