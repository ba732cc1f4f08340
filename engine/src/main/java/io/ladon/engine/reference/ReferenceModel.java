package io.ladon.engine.reference;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.TensorNames;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Leaves;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A whole model, plain and slow, that reads one sequence token by token: what the ranks' logits are
 * compared with. It knows no ranks, threads, batches or packed weights.
 *
 * <p>As a rank it can be told to meet quantised weights with int8 activations and to keep KV in
 * half precision or int8; its logits then have the same bits. Without, it computes with the decoded
 * weights in float32.
 */
public final class ReferenceModel {

  /**
   * What is rounded beside float32 itself.
   *
   * @param int8Activations whether activations that meet quantised weights are rounded to int8
   * @param kv how keys and values are kept
   */
  public record Rounding(boolean int8Activations, KvType kv) {
    /** Nothing else. */
    public static final Rounding NONE = new Rounding(false, KvType.F32);
  }

  private static final LeafTree ONE_LEAF = new LeafTree(1);

  private final ModelSpec spec;
  private final GgufHeader header;
  private final SliceSource source;
  private final Rounding rounding;
  private final ReferenceMatrix embedding;
  private final ReferenceMatrix vocabulary;
  private final float[] outputNorm;
  private final float @Nullable [] ropeFactors;
  private final List<Layer> layers = new ArrayList<>();
  private int position;

  /**
   * Reads the weights; the source must stay open.
   *
   * @throws IOException if they cannot be read
   */
  public ReferenceModel(ModelSpec spec, GgufHeader header, SliceSource source, Rounding rounding)
      throws IOException {
    this.spec = spec;
    this.header = header;
    this.source = source;
    this.rounding = rounding;
    this.embedding = matrix(TensorNames.TOKEN_EMBEDDING);
    this.vocabulary = spec.tiedEmbeddings() ? embedding : matrix(TensorNames.OUTPUT);
    this.outputNorm = vector(TensorNames.OUTPUT_NORM);
    this.ropeFactors = spec.rope().frequencyFactors() ? vector(TensorNames.ROPE_FREQUENCIES) : null;
    for (int i = 0; i < spec.layers(); i++) {
      layers.add(new Layer(i));
    }
  }

  /** Forgets the sequence. */
  public void reset() {
    position = 0;
    for (Layer layer : layers) {
      layer.keys.forEach(List::clear);
      layer.values.forEach(List::clear);
    }
  }

  /** Reads the next token of the sequence. */
  public void accept(int token) {
    step(token);
  }

  /** Reads the next token and returns the logits of what follows it. */
  public float[] logits(int token) {
    float[] x = step(token);
    return vocabulary.multiply(ReferenceMath.rmsNorm(x, outputNorm, spec.normEpsilon()));
  }

  private float[] step(int token) {
    float[] x = new float[spec.hiddenSize()];
    embedding.decode(token, x);
    if (spec.embeddingScale() != 1f) {
      x = ReferenceMath.scale(x, spec.embeddingScale());
    }
    for (Layer layer : layers) {
      x = layer.run(x);
    }
    position++;
    return x;
  }

  private ReferenceMatrix matrix(String name) throws IOException {
    TensorInfo tensor = header.tensor(name);
    return new ReferenceMatrix(
        tensor,
        source.slice(tensor.whole()),
        tensor.columns(),
        ONE_LEAF,
        rounding.int8Activations());
  }

  private ReferenceMatrix matrix(String name, int leafColumns, LeafTree tree) throws IOException {
    TensorInfo tensor = header.tensor(name);
    return new ReferenceMatrix(
        tensor, source.slice(tensor.whole()), leafColumns, tree, rounding.int8Activations());
  }

  private float[] vector(String name) throws IOException {
    TensorInfo tensor = header.tensor(name);
    float[] values = new float[tensor.columns()];
    TensorDecoder.decode(tensor.type(), source.slice(tensor.whole()), 0, values, 0, values.length);
    return values;
  }

  private float @Nullable [] vectorIf(boolean has, String name) throws IOException {
    return has ? vector(name) : null;
  }

  private final class Layer {
    private final int index;
    private final float[] attentionNorm;
    private final ReferenceMatrix query;
    private final ReferenceMatrix key;
    private final ReferenceMatrix value;
    private final float @Nullable [] queryBias;
    private final float @Nullable [] keyBias;
    private final float @Nullable [] valueBias;
    private final float @Nullable [] queryNorm;
    private final float @Nullable [] keyNorm;
    private final ReferenceMatrix output;
    private final float @Nullable [] attentionPostNorm;
    private final float[] feedForwardNorm;
    private final ReferenceMatrix gate;
    private final ReferenceMatrix up;
    private final ReferenceMatrix down;
    private final float @Nullable [] feedForwardPostNorm;
    private final List<List<float[]>> keys = new ArrayList<>(); // KV head, position, (head size)
    private final List<List<float[]>> values = new ArrayList<>();

    Layer(int index) throws IOException {
      this.index = index;
      attentionNorm = vector(TensorNames.attentionNorm(index));
      query = matrix(TensorNames.query(index));
      key = matrix(TensorNames.key(index));
      value = matrix(TensorNames.value(index));
      queryBias = vectorIf(spec.attentionBias(), TensorNames.queryBias(index));
      keyBias = vectorIf(spec.attentionBias(), TensorNames.keyBias(index));
      valueBias = vectorIf(spec.attentionBias(), TensorNames.valueBias(index));
      queryNorm = vectorIf(spec.queryKeyNorm(), TensorNames.queryNorm(index));
      keyNorm = vectorIf(spec.queryKeyNorm(), TensorNames.keyNorm(index));
      output =
          matrix(
              TensorNames.attentionOutput(index),
              Leaves.OF_MODEL.outputColumns(spec),
              Leaves.OF_MODEL.output(spec));
      attentionPostNorm = vectorIf(spec.postNorms(), TensorNames.attentionPostNorm(index));
      feedForwardNorm = vector(TensorNames.feedForwardNorm(index));
      gate = matrix(TensorNames.gate(index));
      up = matrix(TensorNames.up(index));
      down =
          matrix(
              TensorNames.down(index), Leaves.OF_MODEL.downColumns(), Leaves.OF_MODEL.down(spec));
      feedForwardPostNorm = vectorIf(spec.postNorms(), TensorNames.feedForwardPostNorm(index));
      for (int h = 0; h < spec.kvHeads(); h++) {
        keys.add(new ArrayList<>());
        values.add(new ArrayList<>());
      }
    }

    float[] run(float[] x) {
      float[] heads = attention(norm(x, attentionNorm));
      float[] y = ReferenceMath.add(x, norm(output.multiply(heads), attentionPostNorm));
      float[] normed = norm(y, feedForwardNorm);
      float[] gated =
          ReferenceMath.gate(spec.activation(), gate.multiply(normed), up.multiply(normed));
      return ReferenceMath.add(y, norm(down.multiply(gated), feedForwardPostNorm));
    }

    private float[] attention(float[] x) {
      float[] q = bias(query.multiply(x), queryBias);
      float[] k = bias(key.multiply(x), keyBias);
      float[] v = bias(value.multiply(x), valueBias);
      int size = spec.headSize();
      for (int h = 0; h < spec.kvHeads(); h++) {
        keys.get(h).add(kept(rotate(norm(head(k, h), keyNorm))));
        values.get(h).add(kept(head(v, h)));
      }
      int first = spec.slides(index) ? Math.max(0, position - spec.slidingWindow() + 1) : 0;
      float[] heads = new float[spec.headColumns()];
      for (int h = 0; h < spec.queryHeads(); h++) {
        float[] scaled =
            ReferenceMath.scale(rotate(norm(head(q, h), queryNorm)), spec.attentionScale());
        int group = h / spec.groupSize();
        float[] out = ReferenceMath.attend(scaled, keys.get(group), values.get(group), first);
        System.arraycopy(out, 0, heads, h * size, size);
      }
      return heads;
    }

    private float[] rotate(float[] head) {
      boolean slides = spec.slides(index);
      return ReferenceMath.rotate(
          head,
          spec.rope(),
          slides ? spec.rope().slidingBase() : spec.rope().base(),
          slides ? 1f : spec.rope().positionScale(),
          ropeFactors,
          position);
    }

    private float[] head(float[] x, int h) {
      return Arrays.copyOfRange(x, h * spec.headSize(), (h + 1) * spec.headSize());
    }

    private float[] bias(float[] x, float @Nullable [] bias) {
      return bias == null ? x : ReferenceMath.add(x, bias);
    }

    private float[] norm(float[] x, float @Nullable [] weight) {
      return weight == null ? x : ReferenceMath.rmsNorm(x, weight, spec.normEpsilon());
    }

    /** A head's key or value as the KV cache gives it back. */
    private float[] kept(float[] x) {
      return switch (rounding.kv()) {
        case F32 -> x.clone();
        case F16 -> ReferenceMath.half(x);
        case Q8 -> ReferenceMath.int8(x);
      };
    }
  }
}
