package io.ladon.engine.synth;

import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpec.Activation;
import io.ladon.engine.model.RopeSpec;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Shapes of random-weight models: those of well-known models, and tiny ones of every family that
 * take milliseconds to write and run.
 */
public final class SyntheticShapes {

  private static final float ROPE_BASE = 10_000;
  private static final float LLAMA3_ROPE_BASE = 500_000;
  private static final float LONG_ROPE_BASE = 1_000_000;

  private static final SortedMap<String, ModelSpec> NAMED = named();

  private SyntheticShapes() {}

  /** All shapes by name. */
  public static SortedMap<String, ModelSpec> all() {
    return Collections.unmodifiableSortedMap(NAMED);
  }

  /**
   * The shape of a name.
   *
   * @throws IllegalArgumentException naming those that there are
   */
  public static ModelSpec of(String name) {
    ModelSpec spec = NAMED.get(name);
    if (spec == null) {
      throw new IllegalArgumentException(
          "no shape '%s'; there are: %s".formatted(name, String.join(", ", NAMED.keySet())));
    }
    return spec;
  }

  /** What all families need to know. */
  public record Sizes(
      int layers, int hidden, int feedForward, int queryHeads, int kvHeads, int headSize) {}

  /** Llama with adjacent rotary pairs; {@code llama3} for frequency factors. */
  public static ModelSpec llama(
      String name, Sizes sizes, int vocabulary, float ropeBase, boolean llama3, boolean tied) {
    return spec("llama", name, sizes, vocabulary, 8192, 1e-5f, Activation.SILU)
        .rope(RopeSpec.Style.ADJACENT, ropeBase, llama3)
        .tied(tied)
        .build();
  }

  /** Qwen 2: biases on Q, K and V. Its query heads side by side are as wide as the residual. */
  public static ModelSpec qwen2(String name, Sizes sizes, int vocabulary, boolean tied) {
    return spec("qwen2", name, sizes, vocabulary, 32_768, 1e-6f, Activation.SILU)
        .rope(RopeSpec.Style.HALVES, LONG_ROPE_BASE, false)
        .attentionBias()
        .tied(tied)
        .build();
  }

  /** Qwen 3: norms on every query and key head. */
  public static ModelSpec qwen3(String name, Sizes sizes, int vocabulary, boolean tied) {
    return spec("qwen3", name, sizes, vocabulary, 32_768, 1e-6f, Activation.SILU)
        .rope(RopeSpec.Style.HALVES, LONG_ROPE_BASE, false)
        .queryKeyNorm()
        .tied(tied)
        .build();
  }

  /** Gemma 3: layers that slide but for every {@code pattern}-th. */
  public static ModelSpec gemma3(
      String name, Sizes sizes, int vocabulary, int window, int pattern) {
    return spec("gemma3", name, sizes, vocabulary, 32_768, 1e-6f, Activation.GELU_TANH)
        .rope(RopeSpec.Style.HALVES, LONG_ROPE_BASE, false)
        .queryKeyNorm()
        .gemma(window, pattern)
        .tied(true)
        .build();
  }

  private static SortedMap<String, ModelSpec> named() {
    SortedMap<String, ModelSpec> named = new TreeMap<>();
    put(
        named,
        llama("llama-135m", new Sizes(30, 576, 1536, 9, 3, 64), 49_152, 100_000, false, true));
    put(
        named,
        llama(
            "llama-1b",
            new Sizes(16, 2048, 8192, 32, 8, 64),
            128_256,
            LLAMA3_ROPE_BASE,
            true,
            true));
    put(
        named,
        llama(
            "llama-3b",
            new Sizes(28, 3072, 8192, 24, 8, 128),
            128_256,
            LLAMA3_ROPE_BASE,
            true,
            true));
    put(
        named,
        llama(
            "llama-8b",
            new Sizes(32, 4096, 14_336, 32, 8, 128),
            128_256,
            LLAMA3_ROPE_BASE,
            true,
            false));
    put(named, qwen2("qwen2-0.5b", new Sizes(24, 896, 4864, 14, 2, 64), 151_936, true));
    put(named, qwen3("qwen3-0.6b", new Sizes(28, 1024, 3072, 16, 8, 128), 151_936, true));
    put(named, gemma3("gemma3-270m", new Sizes(18, 640, 2048, 4, 1, 256), 262_144, 512, 6));
    put(named, gemma3("gemma3-1b", new Sizes(26, 1152, 6912, 4, 1, 256), 262_144, 512, 6));
    tiny(named);
    return named;
  }

  /**
   * Awkward on purpose: heads that do not divide evenly, a last tile of the vocabulary that is not
   * full, and in the one of 9 heads a last leaf of down that is not full and columns that K-quants
   * do not fit.
   */
  private static void tiny(SortedMap<String, ModelSpec> named) {
    put(named, llama("tiny-llama", new Sizes(3, 256, 768, 8, 4, 32), 700, ROPE_BASE, false, true));
    put(
        named,
        llama("tiny-llama3", new Sizes(3, 256, 768, 8, 2, 32), 700, LLAMA3_ROPE_BASE, true, false));
    put(
        named,
        llama("tiny-llama-9-heads", new Sizes(2, 288, 608, 9, 3, 32), 700, ROPE_BASE, false, true));
    put(named, qwen2("tiny-qwen2", new Sizes(3, 256, 768, 8, 2, 32), 700, true));
    put(named, qwen3("tiny-qwen3", new Sizes(3, 256, 768, 12, 3, 64), 700, true));
    put(named, gemma3("tiny-gemma3", new Sizes(4, 256, 768, 4, 1, 64), 700, 24, 2));
  }

  private static void put(SortedMap<String, ModelSpec> named, ModelSpec spec) {
    named.put(spec.name(), spec);
  }

  private static SpecBuilder spec(
      String architecture,
      String name,
      Sizes sizes,
      int vocabulary,
      int context,
      float epsilon,
      Activation activation) {
    return new SpecBuilder(architecture, name, sizes, vocabulary, context, epsilon, activation);
  }

  /** Gathers what tells families apart. */
  private static final class SpecBuilder {

    private final String architecture;
    private final String name;
    private final Sizes sizes;
    private final int vocabulary;
    private final int context;
    private final float epsilon;
    private final Activation activation;
    private RopeSpec.Style style = RopeSpec.Style.ADJACENT;
    private float ropeBase;
    private boolean frequencyFactors;
    private boolean tied;
    private boolean attentionBias;
    private boolean queryKeyNorm;
    private boolean gemma;
    private int window;
    private int pattern;

    SpecBuilder(
        String architecture,
        String name,
        Sizes sizes,
        int vocabulary,
        int context,
        float epsilon,
        Activation activation) {
      this.architecture = architecture;
      this.name = name;
      this.sizes = sizes;
      this.vocabulary = vocabulary;
      this.context = context;
      this.epsilon = epsilon;
      this.activation = activation;
    }

    SpecBuilder rope(RopeSpec.Style style, float base, boolean frequencyFactors) {
      this.style = style;
      this.ropeBase = base;
      this.frequencyFactors = frequencyFactors;
      return this;
    }

    SpecBuilder tied(boolean tied) {
      this.tied = tied;
      return this;
    }

    SpecBuilder attentionBias() {
      attentionBias = true;
      return this;
    }

    SpecBuilder queryKeyNorm() {
      queryKeyNorm = true;
      return this;
    }

    SpecBuilder gemma(int window, int pattern) {
      gemma = true;
      this.window = window;
      this.pattern = pattern;
      return this;
    }

    ModelSpec build() {
      float slidingBase = window > 0 ? ROPE_BASE : ropeBase;
      return new ModelSpec(
          architecture,
          name,
          vocabulary,
          context,
          sizes.layers(),
          sizes.hidden(),
          sizes.feedForward(),
          sizes.queryHeads(),
          sizes.kvHeads(),
          sizes.headSize(),
          epsilon,
          activation,
          new RopeSpec(style, sizes.headSize(), ropeBase, slidingBase, 1, frequencyFactors),
          1 / (float) Math.sqrt(sizes.headSize()),
          gemma ? (float) Math.sqrt(sizes.hidden()) : 1,
          queryKeyNorm,
          attentionBias,
          gemma,
          window,
          pattern,
          tied);
    }
  }
}
