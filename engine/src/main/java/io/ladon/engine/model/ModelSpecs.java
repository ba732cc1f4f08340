package io.ladon.engine.model;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.model.ModelSpec.Activation;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a {@link ModelSpec} from a checkpoint's metadata and checks that the checkpoint holds
 * exactly the tensors that the decoder uses. Keys and their defaults are those of llama.cpp ({@code
 * src/llama-model.cpp}, {@code src/models}). What the decoder would have to leave out is refused by
 * name.
 */
public final class ModelSpecs {

  /** What tells the families apart. */
  private record Family(
      RopeSpec.Style style,
      Activation activation,
      boolean queryKeyNorm,
      boolean postNorms,
      boolean scaledEmbeddings,
      boolean slides,
      boolean frequencyFactors) {}

  private static final Map<String, Family> FAMILIES =
      Map.of(
          "llama",
          new Family(RopeSpec.Style.ADJACENT, Activation.SILU, false, false, false, false, true),
          "qwen2",
          new Family(RopeSpec.Style.HALVES, Activation.SILU, false, false, false, false, false),
          "qwen3",
          new Family(RopeSpec.Style.HALVES, Activation.SILU, true, false, false, false, false),
          "gemma3",
          new Family(RopeSpec.Style.HALVES, Activation.GELU_TANH, true, true, true, true, false));

  /** Keys that change what a model computes, and the value that changes nothing. */
  private static final Map<String, Double> NEUTRAL =
      Map.ofEntries(
          Map.entry("expert_count", 0.0),
          Map.entry("expert_used_count", 0.0),
          Map.entry("expert_shared_count", 0.0),
          Map.entry("nextn_predict_layers", 0.0),
          Map.entry("attn_logit_softcapping", 0.0),
          Map.entry("final_logit_softcapping", 0.0),
          Map.entry("pooling_type", 0.0),
          Map.entry("attention.max_alibi_bias", 0.0),
          Map.entry("attention.clamp_kqv", 0.0),
          Map.entry("attention.temperature_scale", 0.0),
          Map.entry("attention.shared_kv_layers", 0.0),
          Map.entry("logit_scale", 1.0),
          Map.entry("residual_scale", 1.0),
          Map.entry("embedding_scale", 1.0),
          Map.entry("attention.output_scale", 1.0),
          Map.entry("attention.value_scale", 1.0),
          Map.entry("rope.scaling.attn_factor", 1.0),
          Map.entry("rope.scaling.yarn_attn_factor", 1.0),
          Map.entry("rope.scaling.alpha", 0.0));

  /** Keys that mean something the decoder does not do, whatever their value. */
  private static final List<String> REFUSED =
      List.of(
          "rope.dimension_sections",
          "attention.q_lora_rank",
          "attention.kv_lora_rank",
          "classifier.output_labels",
          "dense_2_feat_out",
          "dense_3_feat_out");

  private static final int MAX_SIZE = 1 << 24;
  private static final int BLOCK = 32;
  private static final int HEAD_UNIT = 16;

  /** Gemma 3 with this many layers scales attention by its hidden size, not by its head size. */
  private static final int GEMMA3_27B_LAYERS = 62;

  private static final double DEFAULT_ROPE_BASE = 10_000;
  private static final int DEFAULT_SLIDING_PATTERN = 6;

  private final GgufHeader header;
  private final String architecture;
  private final Family family;

  private ModelSpecs(GgufHeader header, String architecture, Family family) {
    this.header = header;
    this.architecture = architecture;
    this.family = family;
  }

  /** The architectures that can be read. */
  public static Set<String> architectures() {
    return FAMILIES.keySet();
  }

  /**
   * Reads and checks a model.
   *
   * @throws CheckpointException naming the key or tensor, if the architecture or something the
   *     model asks for is not supported, or if a tensor is missing, too many or misshapen
   */
  public static ModelSpec read(GgufHeader header) throws CheckpointException {
    String architecture = header.string("general.architecture");
    Family family = FAMILIES.get(architecture);
    if (family == null) {
      throw new CheckpointException(
          "%s: the architecture '%s' is not supported; these are: %s"
              .formatted(
                  header.where("general.architecture"),
                  architecture,
                  String.join(", ", FAMILIES.keySet().stream().sorted().toList())));
    }
    ModelSpec spec = new ModelSpecs(header, architecture, family).read();
    ModelTensors.check(header, spec);
    return spec;
  }

  private ModelSpec read() throws CheckpointException {
    refuseUnsupported();
    int layers = size("block_count");
    int hidden = size("embedding_length");
    int queryHeads = perLayer("attention.head_count", layers);
    int kvHeads =
        has("attention.head_count_kv") ? perLayer("attention.head_count_kv", layers) : queryHeads;
    int headSize = headSize(hidden, queryHeads);
    int feedForward = perLayer("feed_forward_length", layers);
    int window = family.slides() ? window() : 0;
    checkSizes(hidden, queryHeads, kvHeads, headSize, feedForward);
    return new ModelSpec(
        architecture,
        header.string("general.name", architecture),
        header.tensor(TensorNames.TOKEN_EMBEDDING).rows(),
        size("context_length"),
        layers,
        hidden,
        feedForward,
        queryHeads,
        kvHeads,
        headSize,
        (float) header.number(key("attention.layer_norm_rms_epsilon")),
        family.activation(),
        rope(headSize, window > 0),
        attentionScale(layers, hidden, queryHeads, headSize),
        family.scaledEmbeddings() ? (float) Math.sqrt(hidden) : 1,
        family.queryKeyNorm(),
        header.tensors().containsKey(TensorNames.queryBias(0)),
        family.postNorms(),
        window,
        window > 0 ? slidingPattern(layers) : 0,
        !header.tensors().containsKey(TensorNames.OUTPUT));
  }

  private void refuseUnsupported() throws CheckpointException {
    for (Map.Entry<String, Double> entry : NEUTRAL.entrySet()) {
      String key = key(entry.getKey());
      if (header.has(key) && header.number(key) != entry.getValue()) {
        throw unsupported(key, String.valueOf(header.get(key)));
      }
    }
    for (String name : REFUSED) {
      if (has(name)) {
        throw unsupported(key(name), "there");
      }
    }
    if (!header.bool(key("attention.causal"), true)) {
      throw unsupported(key("attention.causal"), "false");
    }
    if (header.bool(key("use_parallel_residual"), false)) {
      throw unsupported(key("use_parallel_residual"), "true");
    }
    String window = key("attention.sliding_window");
    if (!family.slides() && header.integer(window, 0) != 0) {
      throw unsupported(window, String.valueOf(header.get(window)));
    }
    String scale = key("attention.scale");
    if (header.number(scale, 0) != 0) {
      throw unsupported(scale, String.valueOf(header.get(scale)));
    }
  }

  private RopeSpec rope(int headSize, boolean slides) throws CheckpointException {
    int dimensions = has("rope.dimension_count") ? size("rope.dimension_count") : headSize;
    if (dimensions % 2 != 0 || dimensions > headSize) {
      throw new CheckpointException(
          "%s is %d: it must be even and at most the head size %d"
              .formatted(header.where(key("rope.dimension_count")), dimensions, headSize));
    }
    if (has("rope.dimension_count_swa") && size("rope.dimension_count_swa") != dimensions) {
      throw unsupported(
          key("rope.dimension_count_swa"), "other than that of layers that do not slide");
    }
    float base = (float) header.number(key("rope.freq_base"), DEFAULT_ROPE_BASE);
    float slidingBase = (float) header.number(key("rope.freq_base_swa"), DEFAULT_ROPE_BASE);
    return new RopeSpec(
        family.style(),
        dimensions,
        base,
        slides ? slidingBase : base,
        positionScale(),
        family.frequencyFactors() && header.tensors().containsKey(TensorNames.ROPE_FREQUENCIES));
  }

  /** One over the factor of linear scaling, as float32. */
  private float positionScale() throws CheckpointException {
    String type = header.string(key("rope.scaling.type"), "linear");
    if (type.equals("none")) {
      return 1;
    }
    if (!type.equals("linear")) {
      throw unsupported(key("rope.scaling.type"), "'" + type + "'");
    }
    String key = has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
    float factor = (float) header.number(key(key), 0);
    if (factor < 0 || !Float.isFinite(factor)) {
      throw new CheckpointException(
          "%s is %s, not a positive factor".formatted(header.where(key(key)), factor));
    }
    return factor == 0 ? 1 : 1 / factor;
  }

  private float attentionScale(int layers, int hidden, int queryHeads, int headSize) {
    int size =
        architecture.equals("gemma3") && layers == GEMMA3_27B_LAYERS
            ? hidden / queryHeads
            : headSize;
    return 1 / (float) Math.sqrt(size);
  }

  private int headSize(int hidden, int queryHeads) throws CheckpointException {
    if (hidden < queryHeads) {
      throw new CheckpointException(
          "%s: %d heads for %d elements"
              .formatted(header.where(key("attention.head_count")), queryHeads, hidden));
    }
    int keySize = has("attention.key_length") ? size("attention.key_length") : hidden / queryHeads;
    int valueSize =
        has("attention.value_length") ? size("attention.value_length") : hidden / queryHeads;
    if (keySize != valueSize) {
      throw new CheckpointException(
          "%s: values of %d elements beside keys of %d are not supported"
              .formatted(header.where(key("attention.value_length")), valueSize, keySize));
    }
    for (String sliding : List.of("attention.key_length_swa", "attention.value_length_swa")) {
      if (has(sliding) && size(sliding) != keySize) {
        throw unsupported(key(sliding), "other than that of layers that do not slide");
      }
    }
    return keySize;
  }

  private void checkSizes(int hidden, int queryHeads, int kvHeads, int headSize, int feedForward)
      throws CheckpointException {
    multiple("embedding_length", hidden, BLOCK);
    multiple("feed_forward_length", feedForward, BLOCK);
    if ((long) queryHeads * headSize > MAX_SIZE) {
      throw new CheckpointException(
          "%s: %d heads of %d elements are too many"
              .formatted(header.where(key("attention.head_count")), queryHeads, headSize));
    }
    if (headSize % HEAD_UNIT != 0 || queryHeads * headSize % BLOCK != 0) {
      throw new CheckpointException(
          "%s: %d heads of %d elements are not supported: a head must be a multiple of %d, all of them of %d"
              .formatted(
                  header.where(key("attention.head_count")),
                  queryHeads,
                  headSize,
                  HEAD_UNIT,
                  BLOCK));
    }
    if (kvHeads > queryHeads || queryHeads % kvHeads != 0) {
      throw new CheckpointException(
          "%s: %d KV heads do not divide %d query heads"
              .formatted(header.where(key("attention.head_count_kv")), kvHeads, queryHeads));
    }
  }

  private void multiple(String name, int value, int unit) throws CheckpointException {
    if (value % unit != 0) {
      throw new CheckpointException(
          "%s is %d, which is not supported: it must be a multiple of %d"
              .formatted(header.where(key(name)), value, unit));
    }
  }

  private int window() throws CheckpointException {
    String key = key("attention.sliding_window");
    long window = header.integer(key, 0);
    if (window < 0 || window > Integer.MAX_VALUE) {
      throw new CheckpointException(
          "%s is %d, not a number of positions".formatted(header.where(key), window));
    }
    return (int) window;
  }

  /** The number n where every n-th layer is global; the file may say so layer by layer. */
  private int slidingPattern(int layers) throws CheckpointException {
    String name = "attention.sliding_window_pattern";
    if (!(header.get(key(name)) instanceof boolean[] sliding)) {
      return has(name) ? size(name) : DEFAULT_SLIDING_PATTERN;
    }
    int pattern = 1;
    while (pattern <= sliding.length && sliding[pattern - 1]) {
      pattern++;
    }
    for (int i = 0; i < layers; i++) {
      if (i >= sliding.length || sliding[i] != ((i + 1) % pattern != 0)) {
        throw unsupported(key(name), "no regular pattern of %d layers".formatted(layers));
      }
    }
    return pattern;
  }

  /** A size that may be given layer by layer, but must be the same in all of them. */
  private int perLayer(String name, int layers) throws CheckpointException {
    Object value = header.get(key(name));
    if (!(value instanceof int[] || value instanceof long[])) {
      return size(name);
    }
    int[] sizes = header.ints(key(name));
    if (sizes.length < layers) {
      throw new CheckpointException(
          "%s has %d elements for %d layers"
              .formatted(header.where(key(name)), sizes.length, layers));
    }
    for (int i = 0; i < layers; i++) {
      if (sizes[i] != sizes[0] || sizes[i] < 1) {
        throw new CheckpointException(
            "%s: layer %d has %d, layer 0 has %d: layers that differ are not supported"
                .formatted(header.where(key(name)), i, sizes[i], sizes[0]));
      }
    }
    return sizes[0];
  }

  private int size(String name) throws CheckpointException {
    long value = header.integer(key(name));
    if (value < 1 || value > MAX_SIZE) {
      throw new CheckpointException(
          "%s is %d, not from 1 to %d".formatted(header.where(key(name)), value, MAX_SIZE));
    }
    return (int) value;
  }

  private boolean has(String name) {
    return header.has(key(name));
  }

  private String key(String name) {
    return architecture + "." + name;
  }

  private CheckpointException unsupported(String key, String value) {
    return new CheckpointException(
        "%s is %s, which is not supported".formatted(header.where(key), value));
  }
}
