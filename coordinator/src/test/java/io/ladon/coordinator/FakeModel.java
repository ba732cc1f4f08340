package io.ladon.coordinator;

import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.sample.Distribution;
import io.ladon.coordinator.sample.RankAnswers;
import io.ladon.coordinator.sample.Sampler;
import io.ladon.coordinator.schedule.EmbeddingRows;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import io.ladon.proto.CandidateRequest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A model whose logits are a function of all tokens so far and cost nothing. Its embedding row of a
 * token is the token's id.
 */
public final class FakeModel {

  public static final int VOCABULARY = 1100; // five tiles, the last narrower
  public static final int EMPTY = 0;

  private FakeModel() {}

  public static ModelSpec spec() {
    return new ModelSpec(
        "llama",
        "fake",
        VOCABULARY,
        2048,
        2,
        128,
        512,
        4,
        4,
        32,
        1e-5f,
        ModelSpec.Activation.SILU,
        new RopeSpec(RopeSpec.Style.ADJACENT, 32, 10000, 10000, 1, false),
        1,
        1,
        false,
        false,
        false,
        0,
        0,
        true);
  }

  public static EmbeddingRows embeddings() {
    return new EmbeddingRows() {
      @Override
      public int rowBytes() {
        return Integer.BYTES;
      }

      @Override
      public void copy(int token, byte[] out, int offset) {
        ByteBuffer.wrap(out).putInt(offset, token);
      }
    };
  }

  /** What stands for a token in the state: its embedding row, whatever that holds. */
  public static int row(byte[] row) {
    return row.length == Integer.BYTES ? ByteBuffer.wrap(row).getInt() : Arrays.hashCode(row);
  }

  /** The state after one more token. */
  public static int next(int state, int token) {
    return mix(state * 31 + token + 1);
  }

  /** Logits in a state, by token id. */
  public static float[] logits(int state) {
    return logits(state, VOCABULARY);
  }

  /** The same for a model with another vocabulary. */
  public static float[] logits(int state, int vocabularySize) {
    float[] logits = new float[vocabularySize];
    for (int i = 0; i < vocabularySize; i++) {
      logits[i] = (mix(state ^ (i * 0x9e3779b9)) >>> 8) * 0x1p-21f - 4;
    }
    return logits;
  }

  /**
   * Logits of a model whose texts go round: one token after each last one is far more probable than
   * the others, but all logits depend on all tokens.
   */
  public static float[] repetitive(int state, int last, int vocabularySize) {
    float[] logits = logits(mix(last + 1), vocabularySize);
    float[] rest = logits(state, vocabularySize);
    logits[(last * 7 + 1) % 64] = 9; // the others are less than 4
    for (int i = 0; i < vocabularySize; i++) {
      logits[i] += rest[i] * 0x1p-8f;
    }
    return logits;
  }

  /** What must be generated: the model alone, without any cluster. */
  public static List<Integer> generate(GenerationRequest request) {
    return generate(request, false);
  }

  /**
   * The same.
   *
   * @param repetitive whether the model is {@link #repetitive}
   */
  public static List<Integer> generate(GenerationRequest request, boolean repetitive) {
    int state = EMPTY;
    int last = 0;
    for (int token : request.prompt()) {
      state = next(state, token);
      last = token;
    }
    List<Integer> generated = new ArrayList<>();
    while (generated.size() < request.maxTokens()) {
      float[] logits = repetitive ? repetitive(state, last, VOCABULARY) : logits(state);
      CandidateRequest all =
          Sampler.candidates(request.sampling(), 0, VOCABULARY).toBuilder()
              .setCount(VOCABULARY)
              .build();
      Distribution d = Distribution.merge(RankAnswers.of(logits, 1, all), all, VOCABULARY);
      int id = d.id(Sampler.choose(request.sampling(), generated.size(), d));
      generated.add(id);
      state = next(state, id);
      last = id;
    }
    return generated;
  }

  private static int mix(int value) {
    int z = (value ^ (value >>> 16)) * 0x7feb352d;
    z = (z ^ (z >>> 15)) * 0x846ca68b;
    return z ^ (z >>> 16);
  }
}
