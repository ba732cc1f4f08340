package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.model.ModelSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The residual stream: starts as the embeddings, joins what the projections give, and is normed for
 * the next product. In a cut step a rank keeps its share of the tokens only, and the normed tokens
 * are gathered.
 */
final class Residual {

  /** Tokens that a thread norms before it quantises them: they stay in the L1 or L2 cache. */
  private static final int PASSING = 8;

  private final ModelSpec spec;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final FloatTensor stream; // (tokens, hidden)
  private final Rows normed; // (tokens, hidden)
  private final TokenGather gather;
  private final int[] begins;
  private final TensorType embeddingType;
  private final MemorySegment embeddings; // (tokens, encoded row)
  private final float[][] decoded; // (thread, hidden)
  private final FloatTensor passing; // (thread * PASSING, hidden): tokens on their way to int8
  private final IntRangeTask embedTask = this::embed;
  private final IntRangeTask joinTask = this::join;
  private final IntRangeTask normTask = this::norm;

  // What the running tasks work on.
  private int firstToken;
  private int mineBegin;
  private int mineEnd;
  private FloatTensor addend;
  private @Nullable MemorySegment postNorm;
  private MemorySegment normWeight = MemorySegment.NULL;
  private boolean keepsFloats;
  private boolean quantizes;

  /**
   * @param arena for what lives as long as a step
   * @param between for what is needed between two phases only
   */
  Residual(
      Arena arena,
      Arena between,
      ModelSpec spec,
      TensorType embeddingType,
      Link link,
      Kernels kernels,
      ThreadTeam team,
      int maxTokens) {
    this.spec = spec;
    this.embeddingType = embeddingType;
    this.embeddings =
        between.allocate(
            maxTokens * embeddingType.bytesFor(spec.hiddenSize()), FloatTensor.ALIGNMENT);
    this.kernels = kernels;
    this.team = team;
    this.stream = FloatTensor.allocate(arena, maxTokens, spec.hiddenSize());
    this.addend = stream;
    this.passing = FloatTensor.allocate(arena, team.threads() * PASSING, spec.hiddenSize());
    this.normed = Rows.allocate(arena, maxTokens, spec.hiddenSize());
    this.gather = new TokenGather(between, link, maxTokens, spec.hiddenSize());
    this.begins = new int[link.ranks() + 1];
    this.decoded = new float[team.threads()][spec.hiddenSize()];
  }

  /** (tokens, hidden); valid for the tokens that this rank finishes. */
  FloatTensor stream() {
    return stream;
  }

  /** Normed tokens, for the next product. */
  Rows normed() {
    return normed;
  }

  /**
   * Starts a step with the tokens' embeddings, and norms them, all of them in every rank.
   *
   * @param encoded rows as in the checkpoint
   */
  void begin(MemorySegment encoded, MemorySegment weight, InputKind kind, StepShape shape) {
    // A copy: the step's own segment may belong to one thread.
    MemorySegment.copy(encoded, 0, embeddings, 0, encoded.byteSize());
    mineBegin = shape.mineBegin();
    mineEnd = shape.mineEnd();
    prepare(weight, kind, kind.needsQuants());
    team.run(shape.tokens(), embedTask);
  }

  /**
   * Adds a projection's result to the tokens that this rank finishes.
   *
   * @param resultNorm weight of the norm that comes first; null for none
   */
  void add(FloatTensor result, @Nullable MemorySegment resultNorm, StepShape shape) {
    addend = result;
    postNorm = resultNorm;
    firstToken = shape.mineBegin();
    team.run(shape.mineEnd() - shape.mineBegin(), joinTask);
  }

  /** Norms the tokens that this rank finishes, and gathers the others' in a cut step. */
  void norm(int layer, ExchangePoint point, MemorySegment weight, InputKind kind, StepShape shape) {
    prepare(weight, kind, shape.isCut() ? kind.onlyQuants() : kind.needsQuants());
    firstToken = shape.mineBegin();
    team.run(shape.mineEnd() - shape.mineBegin(), normTask);
    if (!shape.isCut()) {
      return;
    }
    for (int r = 0; r < begins.length; r++) {
      begins[r] = shape.shareBegin(r);
    }
    gather.gather(layer, point, normed, begins, kind.onlyQuants());
    if (kind.onlyQuants()) {
      kernels.sumBlocks(normed.quants(), 0, shape.tokens());
    } else if (kind.needsQuants()) {
      kernels.quantize(normed.floats(), 0, shape.tokens(), 0, normed.columns(), normed.quants());
    }
  }

  private void prepare(MemorySegment weight, InputKind kind, boolean quantized) {
    normWeight = weight;
    keepsFloats = !kind.onlyQuants();
    quantizes = quantized;
  }

  private void embed(int thread, int begin, int end) {
    float[] row = decoded[thread];
    long rowBytes = embeddingType.bytesFor(row.length);
    for (int t = begin; t < end; t++) {
      TensorDecoder.decode(embeddingType, embeddings, t * rowBytes, row, 0, row.length);
      boolean mine = t >= mineBegin && t < mineEnd;
      MemorySegment x = mine ? stream.segment() : passing.segment();
      long at = (long) (mine ? t : thread * PASSING) * row.length;
      MemorySegment.copy(row, 0, x, ValueLayout.JAVA_FLOAT, at * Float.BYTES, row.length);
      if (spec.embeddingScale() != 1f) {
        kernels.scale(x, at, row.length, spec.embeddingScale());
      }
      norm(thread, t, 1, x, at);
    }
  }

  private void join(int thread, int begin, int end) {
    MemorySegment weight = postNorm;
    MemorySegment x = addend.segment();
    int hidden = spec.hiddenSize();
    long first = (long) (firstToken + begin) * hidden;
    if (weight != null) {
      kernels.rmsNorm(x, first, weight, spec.normEpsilon(), hidden, end - begin, x, first);
    }
    kernels.add(x, first, stream.segment(), first, (end - begin) * hidden);
  }

  private void norm(int thread, int begin, int end) {
    int most = keepsFloats ? end : PASSING;
    for (int t = begin; t < end; t += most) {
      int token = firstToken + t;
      int count = Math.min(end - t, most);
      norm(thread, token, count, stream.segment(), (long) token * spec.hiddenSize());
    }
  }

  /** Norms tokens that follow each other at some place. */
  private void norm(int thread, int token, int count, MemorySegment x, long at) {
    int hidden = spec.hiddenSize();
    FloatTensor y = keepsFloats ? normed.floats() : passing;
    int row = keepsFloats ? token : thread * PASSING;
    kernels.rmsNorm(
        x, at, normWeight, spec.normEpsilon(), hidden, count, y.segment(), (long) row * hidden);
    if (quantizes) {
      kernels.quantize(y, row, row + count, 0, hidden, normed.quants(), token);
    }
  }
}
