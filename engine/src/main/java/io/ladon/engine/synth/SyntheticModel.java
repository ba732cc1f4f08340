package io.ladon.engine.synth;

import io.ladon.engine.checkpoint.GgufWriter;
import io.ladon.engine.checkpoint.TensorEncoder;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.TensorNames;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes a random-weight GGUF file of a given shape that this engine and llama.cpp load. The same
 * shape, types and seed give the same bytes.
 *
 * <p>Deviations are chosen so that every projection keeps the size of its input, layers outweigh
 * the embedding in the residual (a tied head would else just repeat its input), attention prefers
 * some positions, and logits spread widely enough for a clear best one.
 */
public final class SyntheticModel {

  /** Of an embedding once it is scaled: small beside what the layers add. */
  private static final float EMBEDDING_DEVIATION = 0.05f;

  private static final float NORM_DEVIATION = 0.1f;
  private static final float BIAS_DEVIATION = 0.3f;

  /** Query and key this much larger than their input give attention scores that differ. */
  private static final float SCORE_GAIN = 1.5f;

  /** Averages over positions, and products of gate and up, are smaller than what went in. */
  private static final float OUTPUT_GAIN = 2;

  private static final float LOGIT_DEVIATION = 4;

  private final ModelSpec spec;
  private final TensorTypes types;
  private final long seed;
  private final GgufWriter writer = new GgufWriter();

  private SyntheticModel(ModelSpec spec, TensorTypes types, long seed) {
    this.spec = spec;
    this.types = types;
    this.seed = seed;
  }

  /**
   * Writes a model, tensor by tensor: memory does not grow with its size.
   *
   * @param spec its shape, e.g. from {@link SyntheticShapes}; {@link
   *     io.ladon.engine.model.ModelSpecs#read} gives it back
   * @param path file to write, replacing any that is there
   * @throws IOException if the file cannot be written
   * @throws IllegalArgumentException if the vocabulary is too small for the tokenizer
   */
  public static void write(ModelSpec spec, TensorTypes types, long seed, Path path)
      throws IOException {
    int minimum = SyntheticTokenizer.minimumVocabulary();
    if (spec.vocabularySize() < minimum) {
      throw new IllegalArgumentException(
          "a vocabulary of %d is too small: the tokenizer needs %d"
              .formatted(spec.vocabularySize(), minimum));
    }
    SyntheticModel model = new SyntheticModel(spec, types, seed);
    model.addMetadata();
    SyntheticTokenizer.addTo(model.writer, spec.vocabularySize());
    model.addTensors();
    model.writer.write(path);
  }

  private void addMetadata() {
    writer
        .putString("general.architecture", spec.architecture())
        .putString("general.name", spec.name())
        .putInt("general.quantization_version", 2)
        .putInt(key("vocab_size"), spec.vocabularySize())
        .putInt(key("context_length"), spec.contextLength())
        .putInt(key("block_count"), spec.layers())
        .putInt(key("embedding_length"), spec.hiddenSize())
        .putInt(key("feed_forward_length"), spec.feedForwardSize())
        .putInt(key("attention.head_count"), spec.queryHeads())
        .putInt(key("attention.head_count_kv"), spec.kvHeads())
        .putInt(key("attention.key_length"), spec.headSize())
        .putInt(key("attention.value_length"), spec.headSize())
        .putFloat(key("attention.layer_norm_rms_epsilon"), spec.normEpsilon())
        .putInt(key("rope.dimension_count"), spec.rope().dimensions())
        .putFloat(key("rope.freq_base"), spec.rope().base());
    if (spec.rope().positionScale() != 1) {
      writer
          .putString(key("rope.scaling.type"), "linear")
          .putFloat(key("rope.scaling.factor"), 1 / spec.rope().positionScale());
    }
    if (spec.slidingPattern() > 0) {
      writer
          .putInt(key("attention.sliding_window"), spec.slidingWindow())
          .putInt(key("attention.sliding_window_pattern"), spec.slidingPattern())
          .putFloat(key("rope.freq_base_swa"), spec.rope().slidingBase());
    }
  }

  private void addTensors() {
    int hidden = spec.hiddenSize();
    float deviation = EMBEDDING_DEVIATION / spec.embeddingScale();
    matrix(TensorNames.TOKEN_EMBEDDING, spec.vocabularySize(), hidden, deviation);
    float logitGain = LOGIT_DEVIATION / (deviation * (float) Math.sqrt(hidden));
    vector(TensorNames.OUTPUT_NORM, hidden, logitGain, logitGain * NORM_DEVIATION);
    if (!spec.tiedEmbeddings()) {
      matrix(TensorNames.OUTPUT, spec.vocabularySize(), hidden, deviation);
    }
    if (spec.rope().frequencyFactors()) {
      addFrequencyFactors();
    }
    for (int layer = 0; layer < spec.layers(); layer++) {
      addAttention(layer);
      addFeedForward(layer);
    }
  }

  private void addAttention(int layer) {
    int hidden = spec.hiddenSize();
    int queryRows = spec.headColumns();
    int kvRows = spec.kvHeads() * spec.headSize();
    float keep = keeping(hidden);
    norm(TensorNames.attentionNorm(layer), hidden, 1);
    matrix(TensorNames.query(layer), queryRows, hidden, SCORE_GAIN * keep);
    matrix(TensorNames.key(layer), kvRows, hidden, SCORE_GAIN * keep);
    matrix(TensorNames.value(layer), kvRows, hidden, keep);
    if (spec.attentionBias()) {
      vector(TensorNames.queryBias(layer), queryRows, 0, BIAS_DEVIATION);
      vector(TensorNames.keyBias(layer), kvRows, 0, BIAS_DEVIATION);
      vector(TensorNames.valueBias(layer), kvRows, 0, BIAS_DEVIATION);
    }
    if (spec.queryKeyNorm()) {
      norm(TensorNames.queryNorm(layer), spec.headSize(), SCORE_GAIN);
      norm(TensorNames.keyNorm(layer), spec.headSize(), SCORE_GAIN);
    }
    matrix(TensorNames.attentionOutput(layer), hidden, queryRows, OUTPUT_GAIN * keeping(queryRows));
    if (spec.postNorms()) {
      norm(TensorNames.attentionPostNorm(layer), hidden, 1);
    }
  }

  private void addFeedForward(int layer) {
    int hidden = spec.hiddenSize();
    int feedForward = spec.feedForwardSize();
    norm(TensorNames.feedForwardNorm(layer), hidden, 1);
    matrix(TensorNames.gate(layer), feedForward, hidden, keeping(hidden));
    matrix(TensorNames.up(layer), feedForward, hidden, keeping(hidden));
    matrix(TensorNames.down(layer), hidden, feedForward, OUTPUT_GAIN * keeping(feedForward));
    if (spec.postNorms()) {
      norm(TensorNames.feedForwardPostNorm(layer), hidden, 1);
    }
  }

  /**
   * Llama 3's divisors for a context of 8,192 stretched 32 times: none for pairs that turn at least
   * 4 times in it, 32 for those that turn less than once, in between a blend.
   */
  private void addFrequencyFactors() {
    float[] factors = new float[spec.rope().dimensions() / 2];
    double context = 8192;
    double stretch = 32;
    for (int i = 0; i < factors.length; i++) {
      double frequency = StrictMath.pow(spec.rope().base(), -2.0 * i / spec.rope().dimensions());
      double turns = context * frequency / (2 * StrictMath.PI);
      double blend = Math.clamp((turns - 1) / (4 - 1), 0.0, 1.0);
      factors[i] = (float) (1 / ((1 - blend) / stretch + blend));
    }
    byte[] bytes = new byte[4 * factors.length];
    TensorEncoder.encode(TensorType.F32, factors, 0, factors.length, bytes, 0);
    writer.vector(
        TensorNames.ROPE_FREQUENCIES, TensorType.F32, factors.length, out -> out.write(bytes));
  }

  /** Deviation of weights that keep the size of an input of so many columns. */
  private static float keeping(int columns) {
    return 1 / (float) Math.sqrt(columns);
  }

  private void norm(String name, int elements, float mean) {
    vector(name, elements, mean, mean * NORM_DEVIATION);
  }

  private void vector(String name, int elements, float mean, float deviation) {
    RandomWeights weights = new RandomWeights(seed, name, mean, deviation);
    writer.vector(name, TensorType.F32, elements, weights.content(TensorType.F32, 1, elements));
  }

  private void matrix(String name, int rows, int columns, float deviation) {
    TensorType type = TensorTypes.fitting(types.of(name, spec.layers()), columns);
    RandomWeights weights = new RandomWeights(seed, name, 0, deviation);
    writer.matrix(name, type, rows, columns, weights.content(type, rows, columns));
  }

  private String key(String name) {
    return spec.architecture() + "." + name;
  }
}
