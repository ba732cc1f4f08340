package io.ladon.engine.synth;

import io.ladon.engine.checkpoint.GgufWriter;
import io.ladon.engine.checkpoint.TensorEncoder;
import io.ladon.engine.checkpoint.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Random elements of one tensor, nearly normally distributed. Element i depends on the seed and i
 * alone, so that parts may be made in any order and by several threads.
 */
final class RandomWeights {

  /** Odd, from the golden ratio: the step of SplitMix64 (Steele, Lea, Flood 2014). */
  private static final long STEP = 0x9e3779b97f4a7c15L;

  /** Standard deviation of the sum of four uniform 16-bit numbers: 65536 * sqrt(4 / 12). */
  private static final float DEVIATION = 37837.227f;

  private static final float CENTRE = 4 * 65535 / 2f;
  private static final int PART_ELEMENTS = 1 << 18;
  private static final int PARTS_AT_ONCE = 16;

  private final long seed;
  private final float mean;
  private final float deviation;

  /**
   * @param seed of the model
   * @param tensor name, which parts its numbers from other tensors'
   */
  RandomWeights(long seed, String tensor, float mean, float deviation) {
    this.seed = mix(seed * STEP + mix(tensor.hashCode()));
    this.mean = mean;
    this.deviation = deviation;
  }

  /** Element {@code index} of the tensor, row after row. */
  float element(long index) {
    long bits = mix(seed + (index + 1) * STEP);
    long sum = (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
    return mean + deviation * ((sum - CENTRE) / DEVIATION);
  }

  /** All elements of a tensor, encoded; they are made while they are written. */
  GgufWriter.Content content(TensorType type, int rows, int columns) {
    int partRows = Math.max(1, PART_ELEMENTS / columns);
    int parts = (rows + partRows - 1) / partRows;
    return out -> {
      for (int first = 0; first < parts; first += PARTS_AT_ONCE) {
        List<byte[]> encoded = new ArrayList<>();
        IntStream.range(first, Math.min(parts, first + PARTS_AT_ONCE))
            .parallel()
            .mapToObj(part -> encode(type, columns, part * partRows, rows, partRows))
            .forEachOrdered(encoded::add);
        for (byte[] part : encoded) {
          out.write(part);
        }
      }
    };
  }

  private byte[] encode(TensorType type, int columns, int firstRow, int rows, int partRows) {
    int count = Math.min(partRows, rows - firstRow);
    byte[] out = new byte[Math.toIntExact(count * type.bytesFor(columns))];
    float[] row = new float[columns];
    for (int r = 0; r < count; r++) {
      long first = (long) (firstRow + r) * columns;
      for (int c = 0; c < columns; c++) {
        row[c] = element(first + c);
      }
      TensorEncoder.encode(type, row, 0, columns, out, Math.toIntExact(r * type.bytesFor(columns)));
    }
    return out;
  }

  private static long mix(long z) {
    long a = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    long b = (a ^ a >>> 27) * 0x94d049bb133111ebL;
    return b ^ b >>> 31;
  }
}
