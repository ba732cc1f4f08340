package io.ladon.engine.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionTest {

  private static final int POSITIONS = 200;

  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 64, 3, 0",
    "F16, 64, 3, 0",
    "F32, 32, 1, 0",
    "F16, 128, 2, 33",
    "F32, 256, 4, 64",
    "F16, 40, 20, 1",
    "F32, 8, 5, 100",
    "F16, 72, 1, 17"
  })
  void everyKernelGivesTheSameBitsWhateverTheChunks(
      KvType type, int headSize, int groupSize, int window) {
    Fixture f = new Fixture(type, headSize, groupSize, 2);
    FloatTensor expected = f.attend(new ScalarAttention(), window, 1, 1);
    assertSame(f.attend(new ScalarAttention(), window, 16, 100), expected);
    for (int tokens : new int[] {1, 2, 3, 16}) {
      assertSame(f.attend(new VectorAttention(), window, tokens, 100), expected);
    }
    assertSame(f.attend(new VectorAttention(), window, 2, 1), expected);
    assertSame(f.attend(new VectorAttention(), window, 5, 4), expected);
    f.assertNearSoftmax(expected, window);
  }

  private static void assertSame(FloatTensor actual, FloatTensor expected) {
    assertThat(actual.segment().mismatch(expected.segment())).isEqualTo(-1);
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void storesWhatWillBeRead(KvType type) {
    Fixture f = new Fixture(type, 8, 1, 1);
    float[] special = {
      0f,
      -0f,
      1f,
      65504f,
      1e6f,
      -1e6f,
      6e-8f,
      -3e-5f,
      1e-10f,
      0.1f,
      -2.5f,
      3.14159f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      2049f,
      2051f
    };
    FloatTensor x = FloatTensor.allocate(arena, 1, 8);
    for (int slot = 0; slot < 16; slot++) {
      for (int d = 0; d < 8; d++) {
        x.set(0, d, special[(slot + d) % 16]);
      }
      f.cache.store(0, 0, 3, slot, x.segment(), 0, x.segment(), 0);
    }
    for (AttentionKernel kernel :
        new AttentionKernel[] {new ScalarAttention(), new VectorAttention()}) {
      AttentionTask task = new AttentionTask(8, 1);
      task.blocks = new int[] {3};
      kernel.load(f.cache, task, 0, 16);
      for (int slot = 0; slot < 16; slot++) {
        for (int d = 0; d < 8; d++) {
          float value = special[(slot + d) % 16];
          float kept =
              type == KvType.F32 ? value : Float.float16ToFloat(Float.floatToFloat16(value));
          assertThat(task.keys[d * 16 + slot]).isEqualTo(kept);
          assertThat(task.values[slot * 8 + d]).isEqualTo(kept);
        }
      }
    }
  }

  /** A cache full of NaN, but for the positions of one sequence in scattered blocks. */
  private final class Fixture {
    final int headSize;
    final int groupSize;
    final int kvHeads;
    final KvCache cache;
    final int[] blocks = new int[(POSITIONS + 15) / 16];
    final FloatTensor queries;
    final FloatTensor keys;
    final FloatTensor values;

    Fixture(KvType type, int headSize, int groupSize, int kvHeads) {
      this.headSize = headSize;
      this.groupSize = groupSize;
      this.kvHeads = kvHeads;
      ModelSpec spec = spec(headSize, groupSize * kvHeads, kvHeads);
      cache = new KvCache(spec, ShardPlan.of(spec, PlanOptions.of(1)).rank(0), 40, type);
      cache.fill(Float.NaN);
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = (i * 17 + 5) % 40;
      }
      Random random = new Random(headSize);
      queries = random(random, groupSize * kvHeads * headSize, 1.5f / (float) Math.sqrt(headSize));
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

    /** All positions, in chunks of tokens and of heads. */
    FloatTensor attend(AttentionKernel kernel, int window, int tokens, int heads) {
      Attention attention = new Attention(cache, kernel, groupSize, 0, 2);
      FloatTensor out = FloatTensor.allocate(arena, POSITIONS, queries.columns());
      int together = Math.min(tokens, attention.tokensTogether());
      int allHeads = groupSize * kvHeads;
      for (int p = 0; p < POSITIONS; p += together) {
        for (int h = 0; h < allHeads; h += heads) {
          attention.attend(
              1,
              0,
              h,
              Math.min(allHeads, h + heads),
              blocks,
              p,
              p,
              Math.min(together, POSITIONS - p),
              window,
              queries,
              out,
              0);
        }
      }
      return out;
    }

    void assertNearSoftmax(FloatTensor actual, int window) {
      for (int p = 0; p < POSITIONS; p += 7) {
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
          score += (double) queries.get(position, head * headSize + d) * kept(keys.get(p, kv + d));
        }
        double weight = Math.exp(score);
        sum += weight;
        for (int d = 0; d < headSize; d++) {
          out[d] += weight * kept(values.get(p, kv + d));
        }
      }
      for (int d = 0; d < headSize; d++) {
        out[d] /= sum;
      }
      return out;
    }

    private float kept(float x) {
      return cache.type() == KvType.F32 ? x : Float.float16ToFloat(Float.floatToFloat16(x));
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
