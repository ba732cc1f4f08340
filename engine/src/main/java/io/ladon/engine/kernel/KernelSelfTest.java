package io.ladon.engine.kernel;

import static java.util.Map.entry;

import io.ladon.engine.checkpoint.Checksums;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec.Activation;
import io.ladon.engine.plan.LeafTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Compares kernels at start with what the scalar ones compute, on small products and vectors: a CPU
 * or emulator that computes differently must not answer with other tokens than the rest of the
 * cluster. The scalar kernels' answers are known, as they would take long before they are compiled.
 */
final class KernelSelfTest {

  /** Two that go together, and one that has a row. */
  private static final int PANELS = 3;

  private static final int ROWS = (PANELS - 1) * PackedLayout.ROWS + 1;

  private static final int COLUMNS = 256;
  private static final int LEAF = 96;

  /**
   * One, those of two tiles of different sizes, and so many that kernels take code for prefills.
   */
  private static final int[] TOKENS = {1, 9, 65};

  private static final int MOST_TOKENS = 65;

  /** CRC-32C of the scalar kernels' answers; sums that are made apart are those made at once. */
  static final Map<String, Integer> KNOWN =
      Map.ofEntries(
          entry("quantised activations", 0x8fbf1bd1),
          entry("sums of activations", 0x8fbf1bd1),
          entry("float32 vectors", 0x339d7f3e),
          entry("products of F32", 0xa343cb36),
          entry("products of F16", 0x9c3eec15),
          entry("products of BF16", 0x03f2a80d),
          entry("products of Q4_0", 0xc1a61dc9),
          entry("products of Q4_1", 0x4274542a),
          entry("products of Q5_0", 0x97a94fba),
          entry("products of Q5_1", 0x0efe0e3d),
          entry("products of Q8_0", 0x2f53aa0e),
          entry("products of Q4_K", 0xbb2afc27),
          entry("products of Q5_K", 0xb0494b1d),
          entry("products of Q6_K", 0xff5070dd));

  private KernelSelfTest() {}

  /** What is computed differently; empty for nothing. */
  static String difference(Kernels kernels) {
    for (Map.Entry<String, Integer> answer : answers(kernels).entrySet()) {
      if (!answer.getValue().equals(KNOWN.get(answer.getKey()))) {
        return "its " + answer.getKey() + " differ from the scalar kernels'";
      }
    }
    return "";
  }

  /** CRC-32C of what kernels compute, in the order in which it is needed. */
  static Map<String, Integer> answers(Kernels kernels) {
    Map<String, Integer> answers = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      FloatTensor x = FloatTensor.allocate(arena, MOST_TOKENS, COLUMNS);
      MemorySegment.copy(
          floats(random(1, MOST_TOKENS * COLUMNS / 2)),
          0,
          x.segment(),
          0,
          4L * MOST_TOKENS * COLUMNS);
      QuantizedActivations quantized = QuantizedActivations.allocate(arena, MOST_TOKENS, COLUMNS);
      kernels.quantize(x, 0, MOST_TOKENS, 0, COLUMNS, quantized);
      answers.put("quantised activations", checksum(quantized));
      quantized.sums().fill((byte) -1);
      kernels.sumBlocks(quantized, 0, MOST_TOKENS);
      answers.put("sums of activations", checksum(quantized));
      answers.put("float32 vectors", arithmetic(arena, kernels, x));
      long[] bits = random(2, PANELS * PackedLayout.ROWS * COLUMNS / 2);
      MemorySegment halves = halves(bits);
      for (TensorType type : TensorType.values()) {
        PackedMatrix w = weights(arena, type, bits, halves);
        answers.put("products of " + type, products(arena, kernels, w, x, quantized));
      }
    }
    return answers;
  }

  /** Checksum of the products with each number of tokens, and of the memory behind them. */
  private static int products(
      Arena arena, Kernels kernels, PackedMatrix w, FloatTensor x, QuantizedActivations quantized) {
    CRC32C crc = new CRC32C();
    FloatTensor[] out = {FloatTensor.allocate(arena, MOST_TOKENS, ROWS)};
    for (int tokens : TOKENS) {
      out[0].segment().fill((byte) -1);
      if (w.type().isFloat()) {
        kernels.multiply(w, 0, ROWS, x, tokens, out, 0);
      } else {
        kernels.multiply(w, 0, ROWS, quantized, tokens, out, 0);
      }
      crc.update(out[0].segment().asByteBuffer());
    }
    return (int) crc.getValue();
  }

  /** Checksum of the results of all functions of float32 vectors. */
  private static int arithmetic(Arena arena, Kernels kernels, FloatTensor x) {
    MemorySegment in = x.segment();
    FloatTensor results = FloatTensor.allocate(arena, 7, COLUMNS);
    MemorySegment out = results.segment();
    kernels.rmsNorm(in, 0, in.asSlice(4L * COLUMNS), 1e-5f, COLUMNS, 1, out, 0);
    kernels.rmsNorm(in, 0, in, 1e-5f, COLUMNS / 2, 2, out, 6L * COLUMNS);
    kernels.gate(Activation.SILU, in, 0, in, COLUMNS, out, COLUMNS, COLUMNS);
    kernels.gate(Activation.GELU_TANH, in, 0, in, COLUMNS, out, 2L * COLUMNS, COLUMNS);
    kernels.add(in, 0, out, 3L * COLUMNS, COLUMNS);
    kernels.add(in, COLUMNS, out, 3L * COLUMNS, COLUMNS);
    kernels.scale(out, 3L * COLUMNS, COLUMNS, 0.3f);
    kernels.max(in, 0, COLUMNS, 1, out, 4L * COLUMNS);
    kernels.sumExp(in, 0, COLUMNS, 1, out, 4L * COLUMNS, 0.7f, out, 5L * COLUMNS);
    return Checksums.crc32c(out);
  }

  private static int checksum(QuantizedActivations x) {
    CRC32C crc = new CRC32C();
    crc.update(x.quants().asByteBuffer());
    crc.update(x.scales().asByteBuffer());
    crc.update(x.sums().asByteBuffer());
    return (int) crc.getValue();
  }

  /** Random weights, also in the rows that only fill the last panel and have no results. */
  private static PackedMatrix weights(
      Arena arena, TensorType type, long[] bits, MemorySegment halves) {
    LeafTree tree = new LeafTree((COLUMNS - 1) / LEAF + 1);
    PackedMatrix w = PackedMatrix.allocate(arena, type, ROWS, 0, COLUMNS, LEAF, tree, tree.all());
    MemorySegment memory = w.segment();
    MemorySegment source =
        switch (type) {
          case F32 -> floats(bits);
          case F16 -> halves;
          case BF16 -> bfloats(bits);
          default -> MemorySegment.ofArray(bits);
        };
    MemorySegment.copy(source, 0, memory, 0, memory.byteSize());
    PackedLayout layout = w.layout();
    for (long panel = 0; panel < memory.byteSize(); panel += layout.panelBytes()) {
      for (int tile = 0; tile < layout.tiles(); tile++) {
        long header = panel + layout.tileOffset(tile);
        int bytes = PackedLayout.float16Bytes(type, layout.blocksOfTile(tile));
        MemorySegment.copy(halves, header, memory, header, bytes);
      }
    }
    return w;
  }

  // Numbers of both signs from 1/32 to 8, out of random bits: those of the sign, the fraction and
  // the lowest three of the exponent are kept, and what makes the smallest number 1/32 is added.

  private static MemorySegment floats(long[] bits) {
    return numbers(bits, 0x83FFFFFF_83FFFFFFL, 0x3D000000_3D000000L);
  }

  private static MemorySegment halves(long[] bits) {
    return numbers(bits, 0x9FFF_9FFF_9FFF_9FFFL, 0x2800_2800_2800_2800L);
  }

  private static MemorySegment bfloats(long[] bits) {
    return numbers(bits, 0x83FF_83FF_83FF_83FFL, 0x3D00_3D00_3D00_3D00L);
  }

  private static MemorySegment numbers(long[] bits, long kept, long added) {
    long[] numbers = new long[bits.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (bits[i] & kept) + added;
    }
    return MemorySegment.ofArray(numbers);
  }

  /** Xorshift (Marsaglia 2003), the same everywhere. */
  private static long[] random(long seed, int count) {
    long[] bits = new long[count];
    long state = seed;
    for (int i = 0; i < count; i++) {
      state ^= state << 13;
      state ^= state >>> 7;
      state ^= state << 17;
      bits[i] = state;
    }
    return bits;
  }
}
