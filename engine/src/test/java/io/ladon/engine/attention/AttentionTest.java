package io.ladon.engine.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.kernel.MachineKernels;
import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.Tier;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionTest {

  private static final int POSITIONS = 600;
  private static final int CACHE_BLOCKS = 40;

  /** Positions that are attended; around them is where tiles and parts end. */
  private static final int[][] RANGES = {{0, 70}, {254, 300}, {500, 520}, {570, POSITIONS}};

  private final Arena arena = Arena.ofShared();

  @BeforeAll
  static void needsTheWidth() {
    assumeTrue(
        AttentionSimd.BITS <= FloatVector.SPECIES_PREFERRED.vectorBitSize(),
        "this CPU has no vectors of " + AttentionSimd.BITS + " bits");
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 64, 4, 0",
    "F16, 64, 4, 0",
    "Q8, 64, 4, 0",
    "F16, 64, 3, 0",
    "Q8, 80, 2, 300",
    "F32, 80, 4, 0",
    "F16, 96, 8, 0",
    "Q8, 96, 1, 0",
    "F16, 128, 2, 33",
    "Q8, 128, 5, 0",
    "F32, 256, 4, 64",
    "F16, 256, 4, 512",
    "F32, 32, 1, 0",
    "F16, 40, 34, 1",
    "Q8, 40, 3, 130",
    "F32, 8, 5, 100",
    "F16, 8, 7, 257",
    "Q8, 8, 1, 0",
    "F16, 72, 1, 17"
  })
  void everyKernelGivesTheSameBitsWhateverTheChunks(
      KvType type, int headSize, int groupSize, int window) {
    try (Fixture f = new Fixture(type, headSize, groupSize, 2)) {
      FloatTensor expected = f.attend(new ScalarAttention(), window, 1);
      for (AttentionKernel kernel : f.kernels()) {
        for (int tokens : new int[] {1, 2, 3, 7, 32}) {
          assertSame(kernel, f.attend(kernel, window, tokens), expected);
        }
        assertSame(kernel, f.attendInParts(kernel, window), expected);
      }
      f.assertNearSoftmax(expected, window);
    }
  }

  @ParameterizedTest
  @EnumSource
  void scalarKernelGivesTheSameBitsInChunksAndParts(KvType type) {
    try (Fixture f = new Fixture(type, 24, 3, 1)) {
      AttentionKernel kernel = new ScalarAttention();
      FloatTensor expected = f.attend(kernel, 290, 1);
      assertSame(kernel, f.attend(kernel, 290, 10), expected);
      assertSame(kernel, f.attendInParts(kernel, 290), expected);
    }
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void everyKernelGivesTheSameBitsWhereWeightsVanish(KvType type) {
    try (Fixture f = new Fixture(type, 64, 4, 1, 60f)) {
      FloatTensor expected = f.attend(new ScalarAttention(), 0, 1);
      for (AttentionKernel kernel : f.kernels()) {
        assertSame(kernel, f.attend(kernel, 0, 8), expected);
        assertSame(kernel, f.attendInParts(kernel, 0), expected);
      }
    }
  }

  @Test
  void ranksThatShareAGroupEachHaveTheirHeads() {
    try (Fixture f = new Fixture(KvType.F16, 16, 5, 2)) {
      FloatTensor expected = f.attend(new ScalarAttention(), 0, 1);
      for (AttentionKernel kernel : f.kernels()) {
        assertSame(kernel, f.attend(kernel, 0, 6, 3, 8), f.columns(expected, 3, 8));
      }
    }
  }

  private static int[] attended() {
    return Arrays.stream(RANGES).flatMapToInt(r -> IntStream.range(r[0], r[1])).toArray();
  }

  private static void assertSame(AttentionKernel kernel, FloatTensor actual, FloatTensor expected) {
    assertThat(actual.segment().mismatch(expected.segment())).as(kernel.name()).isEqualTo(-1);
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void storesWhatWillBeRead(KvType type) {
    float[] special = {
      0f, -0f, 1f, 65504f, 1e6f, -1e6f, 6e-8f, -3e-5f, 1e-10f, 0.1f, -2.5f, 3.14159f, 1e-3f,
      -70000f, 2049f, 2051f
    };
    int size = 40;
    try (Fixture f = new Fixture(type, size, 1, 1)) {
      FloatTensor x = FloatTensor.allocate(arena, 1, size);
      for (int slot = 0; slot < 16; slot++) {
        for (int d = 0; d < size; d++) {
          x.set(0, d, special[(slot + d) % (d < 32 ? 16 : 8)] * (slot == 5 ? 0f : 1f));
        }
        f.cache.store(0, 0, 3, slot, x.segment(), 0, x.segment(), 0);
        for (int d = 0; d < size; d++) {
          assertThat(f.cache.key(0, 0, 3, slot, d)).isEqualTo(f.kept(x, 0, 0, d));
          assertThat(f.cache.value(0, 0, 3, slot, d)).isEqualTo(f.kept(x, 0, 0, d));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"F16, 64", "F16, 40", "F16, 12", "F32, 64", "Q8, 64"})
  void everyKernelStoresTheSame(KvType type, int headSize) {
    try (Fixture f = new Fixture(type, headSize, 1, 2)) {
      FloatTensor keys = FloatTensor.allocate(arena, 5, 2 * headSize);
      FloatTensor values = FloatTensor.allocate(arena, 5, 2 * headSize);
      float[] special = {
        Float.NaN, -Float.NaN, 1e9f, -1e9f, Float.POSITIVE_INFINITY, 6e-8f, -0f, 65519f, 2049f
      };
      for (int i = 0; i < 10 * headSize; i++) {
        keys.set(0, i, special[i % special.length] + 0.125f * i);
        values.set(0, i, special[(i + 3) % special.length] - 0.125f * i);
      }
      for (AttentionKernel kernel : f.kernels()) {
        f.cache.poison();
        // Rows 1 to 3, in slots 13 to 15: nothing else of the block changes.
        f.attention(kernel, 0, 2, 0).store(0, 1, 13, 3, keys, values, 1);
        for (int head = 0; head < 2; head++) {
          for (int i = 0; i < 3; i++) {
            long at = (i + 1L) * keys.columns() + (long) head * headSize;
            f.cache.store(0, head, 2, 13 + i, keys.segment(), at, values.segment(), at);
          }
          for (int slot = 0; slot < 16; slot++) {
            for (int d = 0; d < headSize; d++) {
              assertThat(f.cache.key(0, head, 1, slot, d))
                  .isEqualTo((Float) f.cache.key(0, head, 2, slot, d));
              assertThat(f.cache.value(0, head, 1, slot, d))
                  .isEqualTo((Float) f.cache.value(0, head, 2, slot, d));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ADJACENT, 64",
    "ADJACENT, 16",
    "ADJACENT, 24",
    "HALVES, 64",
    "HALVES, 32",
    "HALVES, 16"
  })
  void everyKernelRotatesAlike(RopeSpec.Style style, int dimensions) {
    RopeSpec spec = new RopeSpec(style, dimensions, 10000f, 10000f, 1f, false);
    RopeTable rope = new RopeTable(spec, spec.base(), 1f, null, 200);
    rope.prepare(62, 67); // two pages of the table
    try (Fixture f = new Fixture(KvType.F16, 72, 3, 1)) {
      long bytes = 4L * f.queries.columns();
      FloatTensor expected = FloatTensor.allocate(arena, 5, f.queries.columns());
      expected.segment().copyFrom(f.queries.segment().asSlice(0, 5 * bytes));
      for (int token = 0; token < 5; token++) {
        rope.rotate(expected.segment().address() + token * bytes, 3, 72, 62 + token);
      }
      for (AttentionKernel kernel : f.kernels()) {
        FloatTensor x = FloatTensor.allocate(arena, 5, f.queries.columns());
        x.segment().copyFrom(f.queries.segment().asSlice(0, 5 * bytes));
        kernel.rotate(rope, x.segment().address(), 3, 72, 62, 5);
        assertSame(kernel, x, expected);
      }
    }
  }

  /** Every tier that this machine can run is tried; what it lacks, other tests report. */
  private static List<MachineKernels> machines() {
    return Arrays.stream(Tier.values())
        .filter(AttentionTest::runs)
        .map(tier -> (MachineKernels) KernelProvider.named(tier.label()))
        .toList();
  }

  private static boolean runs(Tier tier) {
    try {
      return MachineCode.obstacle(tier).isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyHalfIsReadAsItsNumber() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      short half = (short) bits;
      float expected = Float.float16ToFloat(half);
      if (Float.isFinite(expected)) {
        assertThat(Float.floatToRawIntBits(Half.toFloat(half)))
            .isEqualTo(Float.floatToRawIntBits(expected));
      }
    }
  }

  /** A cache full of NaN, but for the positions of one sequence in scattered blocks. */
  private final class Fixture implements AutoCloseable {
    final int headSize;
    final int groupSize;
    final int kvHeads;
    final KvCache cache;
    final int[] blocks = new int[(POSITIONS + 15) / 16];
    final FloatTensor queries;
    final FloatTensor keys;
    final FloatTensor values;

    Fixture(KvType type, int headSize, int groupSize, int kvHeads) {
      this(type, headSize, groupSize, kvHeads, 1.5f);
    }

    /**
     * @param spread of the scores, about
     */
    Fixture(KvType type, int headSize, int groupSize, int kvHeads, float spread) {
      this.headSize = headSize;
      this.groupSize = groupSize;
      this.kvHeads = kvHeads;
      ModelSpec spec = spec(headSize, groupSize * kvHeads, kvHeads);
      cache = new KvCache(spec, ShardPlan.of(spec, PlanOptions.of(1)).rank(0), CACHE_BLOCKS, type);
      cache.poison();
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = (i * 17 + 5) % CACHE_BLOCKS;
      }
      Random random = new Random(headSize);
      queries =
          random(random, groupSize * kvHeads * headSize, spread / (float) Math.sqrt(headSize));
      keys = random(random, kvHeads * headSize, 1.5f);
      values = random(random, kvHeads * headSize, 1f);
      for (int p = 0; p < POSITIONS; p++) {
        for (int h = 0; h < kvHeads; h++) {
          long offset = (long) p * keys.columns() + (long) h * headSize;
          cache.store(
              0, h, blocks[p / 16], p % 16, keys.segment(), offset, values.segment(), offset);
        }
      }
    }

    /** All kernels that are to give the scalar one's bits. */
    List<AttentionKernel> kernels() {
      List<AttentionKernel> kernels = new ArrayList<>(List.of(new VectorAttention()));
      machines().forEach(machine -> kernels.add(new MachineAttention(machine, cache)));
      return kernels;
    }

    /** All positions, in chunks of tokens. */
    FloatTensor attend(AttentionKernel kernel, int window, int tokens) {
      return attend(kernel, window, tokens, 0, groupSize * kvHeads);
    }

    /** The same of some query heads. */
    FloatTensor attend(AttentionKernel kernel, int window, int tokens, int headBegin, int headEnd) {
      Attention attention = attention(kernel, headBegin, headEnd, 0);
      FloatTensor own = columns(queries, headBegin, headEnd);
      FloatTensor out = FloatTensor.allocate(arena, POSITIONS, own.columns());
      int together = Math.min(tokens, attention.tokensTogether());
      for (int[] range : RANGES) {
        for (int p = range[0]; p < range[1]; p += together) {
          int count = Math.min(together, range[1] - p);
          for (int h = 0; h < kvHeads; h++) {
            attention.attend(1, 0, h, blocks, p, p, count, window, own, out, 0);
          }
        }
      }
      return out;
    }

    /** Token by token, the last part first. */
    FloatTensor attendInParts(AttentionKernel kernel, int window) {
      Attention attention = attention(kernel, 0, groupSize * kvHeads, 8);
      FloatTensor out = FloatTensor.allocate(arena, POSITIONS, queries.columns());
      for (int p : attended()) {
        int first = window == 0 ? 0 : Attention.part(Math.max(0, p - window + 1));
        for (int h = 0; h < kvHeads; h++) {
          for (int part = Attention.part(p); part >= first; part--) {
            attention.attendPart(1, 0, h, blocks, p, p, window, queries, part, 5 + part - first);
          }
          attention.merge(0, h, p, 5, Attention.part(p) - first + 1, out, 0);
        }
      }
      return out;
    }

    private Attention attention(AttentionKernel kernel, int headBegin, int headEnd, int slots) {
      return new Attention(
          arena, cache, kernel, groupSize, headBegin, headEnd - headBegin, 2, slots);
    }

    /** A copy of some heads' columns. */
    FloatTensor columns(FloatTensor x, int headBegin, int headEnd) {
      FloatTensor y = FloatTensor.allocate(arena, POSITIONS, (headEnd - headBegin) * headSize);
      for (int p = 0; p < POSITIONS; p++) {
        for (int c = 0; c < y.columns(); c++) {
          y.set(p, c, x.get(p, headBegin * headSize + c));
        }
      }
      return y;
    }

    void assertNearSoftmax(FloatTensor actual, int window) {
      for (int p : attended()) {
        for (int h = 0; h < groupSize * kvHeads; h++) {
          double[] expected = softmax(p, h, window == 0 ? 0 : Math.max(0, p - window + 1));
          for (int d = 0; d < headSize; d++) {
            assertThat((double) actual.get(p, h * headSize + d))
                .isCloseTo(expected[d], within(2e-5));
          }
        }
      }
    }

    private double[] softmax(int position, int head, int first) {
      int kv = head / groupSize * headSize;
      double[] out = new double[headSize];
      double sum = 0;
      for (int p = first; p <= position; p++) {
        double score = 0;
        for (int d = 0; d < headSize; d++) {
          score += (double) queries.get(position, head * headSize + d) * kept(keys, p, kv, d);
        }
        double weight = Math.exp(score);
        sum += weight;
        for (int d = 0; d < headSize; d++) {
          out[d] += weight * kept(values, p, kv, d);
        }
      }
      for (int d = 0; d < headSize; d++) {
        out[d] /= sum;
      }
      return out;
    }

    /** Element d of a head as the cache gives it back. */
    float kept(FloatTensor x, int row, int column, int d) {
      float value = x.get(row, column + d);
      return switch (cache.type()) {
        case F32 -> value;
        case F16 -> {
          float clamped = Math.max(-65504f, Math.min(65504f, value));
          yield Float.float16ToFloat(Float.floatToFloat16(clamped));
        }
        case Q8 -> {
          float largest = 0;
          for (int i = d / 32 * 32; i < Math.min(headSize, d / 32 * 32 + 32); i++) {
            largest = Math.max(largest, Math.abs(x.get(row, column + i)));
          }
          float scale = largest / 127f;
          yield scale == 0f ? 0f : (float) Math.rint(value / scale) * scale;
        }
      };
    }

    @Override
    public void close() {
      cache.close();
    }

    private FloatTensor random(Random random, int columns, float size) {
      FloatTensor x = FloatTensor.allocate(arena, POSITIONS, columns);
      for (long i = 0; i < (long) POSITIONS * columns; i++) {
        x.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian() * size);
      }
      return x;
    }
  }

  private static ModelSpec spec(int headSize, int queryHeads, int kvHeads) {
    return new ModelSpec(
        "test",
        "test",
        256,
        512,
        1,
        32,
        32,
        queryHeads,
        kvHeads,
        headSize,
        1e-5f,
        ModelSpec.Activation.SILU,
        new RopeSpec(RopeSpec.Style.HALVES, headSize, 10000f, 10000f, 1f, false),
        1f,
        1f,
        false,
        false,
        false,
        0,
        0,
        true);
  }
}
