package io.ladon.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.GgufWriter;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec.Activation;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSpecsTest {

  @Test
  void readsLlamaWithDefaults() throws Exception {
    ModelSpec spec = read(llama());
    assertThat(spec)
        .isEqualTo(
            new ModelSpec(
                "llama",
                "llama",
                40,
                2048,
                2,
                64,
                96,
                4,
                4,
                16,
                1e-5f,
                Activation.SILU,
                new RopeSpec(RopeSpec.Style.ADJACENT, 16, 10_000, 10_000, 1, false),
                0.25f,
                1,
                false,
                false,
                false,
                0,
                0,
                true));
    assertThat(spec.groupSize()).isEqualTo(1);
    assertThat(spec.slides(0)).isFalse();
  }

  @Test
  void readsLlama3() throws Exception {
    ModelSpec spec =
        read(
            llama()
                .put("llama.rope.freq_base", 500_000f)
                .put("llama.rope.dimension_count", 16)
                .put("general.name", "Three")
                .tensor("rope_freqs.weight", 1, 8)
                .tensor("output.weight", 40, 64));
    assertThat(spec.name()).isEqualTo("Three");
    assertThat(spec.rope())
        .isEqualTo(new RopeSpec(RopeSpec.Style.ADJACENT, 16, 500_000, 500_000, 1, true));
    assertThat(spec.tiedEmbeddings()).isFalse();
  }

  @Test
  void readsBiasesOfLlamaToo() throws Exception {
    assertThat(read(llama().biases()).attentionBias()).isTrue();
  }

  @Test
  void readsQwen2() throws Exception {
    ModelSpec spec = read(new Model("qwen2", 2).biases());
    assertThat(spec.attentionBias()).isTrue();
    assertThat(spec.rope().style()).isEqualTo(RopeSpec.Style.HALVES);
    assertThat(spec.activation()).isEqualTo(Activation.SILU);
  }

  @Test
  void readsQwen3() throws Exception {
    ModelSpec spec = read(new Model("qwen3", 2).headNorms());
    assertThat(spec.queryKeyNorm()).isTrue();
    assertThat(spec.postNorms()).isFalse();
    assertThat(spec.rope().style()).isEqualTo(RopeSpec.Style.HALVES);
  }

  @Test
  void readsGemma3() throws Exception {
    ModelSpec spec =
        read(
            gemma(7)
                .put("gemma3.rope.freq_base", 1e6f)
                .put("gemma3.attention.sliding_window", 512)
                .put("gemma3.rope.scaling.type", "linear")
                .put("gemma3.rope.scaling.factor", 8f));
    assertThat(spec.embeddingScale()).isEqualTo(8);
    assertThat(spec.attentionScale()).isEqualTo(0.25f);
    assertThat(spec.activation()).isEqualTo(Activation.GELU_TANH);
    assertThat(spec.queryKeyNorm()).isTrue();
    assertThat(spec.postNorms()).isTrue();
    assertThat(spec.slidingWindow()).isEqualTo(512);
    assertThat(spec.slidingPattern()).isEqualTo(6);
    assertThat(spec.slides(4)).isTrue();
    assertThat(spec.slides(5)).isFalse();
    assertThat(spec.slides(6)).isTrue();
    // Only layers that do not slide stretch their positions.
    assertThat(spec.rope())
        .isEqualTo(new RopeSpec(RopeSpec.Style.HALVES, 16, 1e6f, 10_000, 0.125f, false));
  }

  @Test
  void gemma3WithoutAWindowDoesNotSlide() throws Exception {
    ModelSpec spec = read(gemma(2).put("gemma3.rope.freq_base", 1e6f));
    assertThat(spec.slidingPattern()).isZero();
    assertThat(spec.rope().slidingBase()).isEqualTo(1e6f);
  }

  @Test
  void theLargestGemma3ScalesAttentionByItsHiddenSize() throws Exception {
    ModelSpec spec = read(gemma(62, 32));
    assertThat(spec.headSize()).isEqualTo(32);
    assertThat(spec.attentionScale()).isEqualTo(0.25f); // 64 / 4 heads = 16
  }

  @Test
  void readsAPatternGivenLayerByLayer() throws Exception {
    Model model = gemma(4).put("gemma3.attention.sliding_window", 8);
    String key = "gemma3.attention.sliding_window_pattern";
    assertThat(read(model.put(key, new boolean[] {true, false, true, false})).slidingPattern())
        .isEqualTo(2);
    assertThat(read(model.put(key, new boolean[] {true, true, true, true})).slides(3)).isTrue();
    assertThat(read(model.put(key, new boolean[] {false, false, false, false})).slides(3))
        .isFalse();
    assertThat(read(model.put(key, 3)).slidingPattern()).isEqualTo(3);
    refused(model.put(key, new boolean[] {true, false, false, true}), key, "no regular pattern");
    refused(model.put(key, new boolean[] {true, false}), key, "no regular pattern");
  }

  @Test
  void sizesMayBeGivenLayerByLayer() throws Exception {
    Model model = llama().put("llama.attention.head_count", new int[] {4, 4});
    assertThat(read(model).queryHeads()).isEqualTo(4);
    refused(
        model.put("llama.attention.head_count", new int[] {4, 2}),
        "'llama.attention.head_count'",
        "layer 1 has 2");
    refused(model.put("llama.attention.head_count", new int[] {4}), "1 elements for 2 layers");
  }

  @ParameterizedTest
  @CsvSource({"linear,4,0.25", "none,4,1", "linear,0,1"})
  void scalesPositions(String type, float factor, float expected) throws Exception {
    Model model =
        llama().put("llama.rope.scaling.type", type).put("llama.rope.scaling.factor", factor);
    assertThat(read(model).rope().positionScale()).isEqualTo(expected);
  }

  @Test
  void readsTheOldNameOfTheFactor() throws Exception {
    assertThat(read(llama().put("llama.rope.scale_linear", 2f)).rope().positionScale())
        .isEqualTo(0.5f);
  }

  @Test
  void refusesUnknownArchitectures() {
    refused(
        llama().put("general.architecture", "gpt2"),
        "byte ",
        "'gpt2'",
        "gemma3, llama, qwen2, qwen3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"yarn", "longrope", "llama3"})
  void refusesOtherRopeScaling(String type) {
    refused(llama().put("llama.rope.scaling.type", type), "'llama.rope.scaling.type'", type);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "expert_count",
        "attention.sliding_window",
        "attention.kv_lora_rank",
        "rope.dimension_sections"
      })
  void refusesWhatTheDecoderDoesNotDo(String key) {
    refused(llama().put("llama." + key, 8), "byte ", "'llama." + key + "'", "not supported");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "attention.scale",
        "logit_scale",
        "rope.scaling.attn_factor"
      })
  void refusesNumbersThatChangeTheResult(String key) {
    refused(llama().put("llama." + key, 30f), "byte ", "'llama." + key + "'", "30");
  }

  @Test
  void neutralValuesAreNoReasonToRefuse() throws Exception {
    read(
        llama()
            .put("llama.expert_count", 0)
            .put("llama.logit_scale", 1f)
            .put("llama.attention.causal", true)
            .put("llama.attention.sliding_window", 0));
    read(gemma(2).put("gemma3.final_logit_softcapping", 0f));
  }

  @Test
  void refusesSizesThatDoNotFit() {
    refused(llama().put("llama.embedding_length", 40), "'llama.embedding_length' is 40", "32");
    refused(
        llama().put("llama.feed_forward_length", 100), "'llama.feed_forward_length' is 100", "32");
    refused(llama().put("llama.attention.head_count_kv", 3), "3 KV heads do not divide 4");
    refused(llama().put("llama.attention.key_length", 24), "24", "value");
    refused(llama().put("llama.attention.value_length", 32), "values of 32", "keys of 16");
    refused(
        llama().put("llama.attention.key_length", 8).put("llama.attention.value_length", 8),
        "4 heads of 8");
    refused(llama().put("llama.rope.dimension_count", 15), "15", "even");
    refused(llama().put("llama.rope.dimension_count", 32), "32", "at most");
    refused(llama().put("llama.block_count", 0), "'llama.block_count' is 0");
    refused(llama().put("llama.block_count", 1 << 20), "only 20 tensors");
    refused(llama().put("llama.attention.head_count", 65), "65 heads for 64");
    refused(llama().put("llama.rope.scaling.factor", -1f), "-1.0", "positive");
    refused(llama().without("llama.context_length"), "'llama.context_length' is missing");
  }

  @Test
  void refusesMissingOrMisshapenTensors() {
    refused(llama().withoutTensor("blk.1.ffn_up.weight"), "'blk.1.ffn_up.weight' is missing");
    refused(llama().withoutTensor("token_embd.weight"), "'token_embd.weight' is missing");
    refused(
        llama().tensor("blk.0.attn_q.weight", 32, 64),
        "'blk.0.attn_q.weight'",
        "32 x 64",
        "64 x 64");
    refused(llama().tensor("rope_freqs.weight", 1, 16), "'rope_freqs.weight'", "1 x 8");
    refused(llama().tensor("blk.0.attn_q.bias", 1, 64), "'blk.0.attn_k.bias' is missing");
    refused(llama().tensor("output_norm.weight", 1, 64, TensorType.Q8_0), "vector of type Q8_0");
  }

  @ParameterizedTest
  @CsvSource({
    "output.bias,1,40",
    "blk.0.attn_output.bias,1,64",
    "blk.1.ffn_up.bias,1,96",
    "blk.0.attn_qkv.weight,192,64",
    "blk.0.attn_q_norm.weight,1,16",
    "blk.2.attn_norm.weight,1,64",
    "blk.0.ffn_gate_inp.weight,8,64"
  })
  void refusesTensorsThatItWouldLeaveOut(String tensor, int rows, int columns) {
    refused(llama().tensor(tensor, rows, columns), "byte ", "'" + tensor + "'", "not used");
  }

  @Test
  void refusesBiasesOfSomeLayersOnly() {
    refused(llama().tensor("blk.1.attn_q.bias", 1, 64), "'blk.1.attn_q.bias'", "not used");
  }

  @Test
  void refusesFrequencyFactorsWhereTheyHaveNoMeaning() {
    refused(
        new Model("qwen3", 2).headNorms().tensor("rope_freqs.weight", 1, 8), "rope_freqs.weight");
  }

  private static Model llama() {
    return new Model("llama", 2);
  }

  private static Model gemma(int layers) {
    return gemma(layers, 16);
  }

  private static Model gemma(int layers, int headSize) {
    Model model = new Model("gemma3", layers, headSize).headNorms();
    if (headSize != 16) {
      model.put("gemma3.attention.key_length", headSize);
      model.put("gemma3.attention.value_length", headSize);
    }
    for (int i = 0; i < layers; i++) {
      model.tensor("blk." + i + ".post_attention_norm.weight", 1, 64);
      model.tensor("blk." + i + ".post_ffw_norm.weight", 1, 64);
    }
    return model;
  }

  private static ModelSpec read(Model model) throws CheckpointException {
    return ModelSpecs.read(model.header());
  }

  private static void refused(Model model, String... parts) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read(model))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  /**
   * Header of a small model: vocabulary 40, hidden size 64, feed-forward size 96, 4 heads, written
   * out by hand and open to every change.
   */
  private static final class Model {

    private record Shape(int rows, int columns, TensorType type) {}

    private final Map<String, Consumer<GgufWriter>> pairs = new LinkedHashMap<>();
    private final Map<String, Shape> tensors = new LinkedHashMap<>();
    private final int layers;
    private final int headSize;

    Model(String architecture, int layers) {
      this(architecture, layers, 16);
    }

    Model(String architecture, int layers, int headSize) {
      this.layers = layers;
      this.headSize = headSize;
      put("general.architecture", architecture);
      put(architecture + ".context_length", 2048);
      put(architecture + ".block_count", layers);
      put(architecture + ".embedding_length", 64);
      put(architecture + ".feed_forward_length", 96);
      put(architecture + ".attention.head_count", 4);
      put(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
      tensor("token_embd.weight", 40, 64);
      tensor("output_norm.weight", 1, 64);
      for (int i = 0; i < layers; i++) {
        String block = "blk." + i + ".";
        tensor(block + "attn_norm.weight", 1, 64);
        tensor(block + "attn_q.weight", 4 * headSize, 64);
        tensor(block + "attn_k.weight", 4 * headSize, 64);
        tensor(block + "attn_v.weight", 4 * headSize, 64);
        tensor(block + "attn_output.weight", 64, 4 * headSize);
        tensor(block + "ffn_norm.weight", 1, 64);
        tensor(block + "ffn_gate.weight", 96, 64);
        tensor(block + "ffn_up.weight", 96, 64);
        tensor(block + "ffn_down.weight", 64, 96);
      }
    }

    Model put(String key, Object value) {
      pairs.put(
          key,
          switch (value) {
            case Integer number -> writer -> writer.putInt(key, number);
            case Float number -> writer -> writer.putFloat(key, number);
            case Boolean truth -> writer -> writer.putBool(key, truth);
            case int[] numbers -> writer -> writer.putInts(key, numbers);
            case boolean[] truths -> writer -> writer.putBools(key, truths);
            default -> writer -> writer.putString(key, (String) value);
          });
      return this;
    }

    Model without(String key) {
      pairs.remove(key);
      return this;
    }

    Model tensor(String name, int rows, int columns) {
      return tensor(name, rows, columns, TensorType.F32);
    }

    Model tensor(String name, int rows, int columns, TensorType type) {
      tensors.put(name, new Shape(rows, columns, type));
      return this;
    }

    Model withoutTensor(String name) {
      tensors.remove(name);
      return this;
    }

    Model biases() {
      for (int i = 0; i < layers; i++) {
        tensor("blk." + i + ".attn_q.bias", 1, 4 * headSize);
        tensor("blk." + i + ".attn_k.bias", 1, 4 * headSize);
        tensor("blk." + i + ".attn_v.bias", 1, 4 * headSize);
      }
      return this;
    }

    Model headNorms() {
      for (int i = 0; i < layers; i++) {
        tensor("blk." + i + ".attn_q_norm.weight", 1, headSize);
        tensor("blk." + i + ".attn_k_norm.weight", 1, headSize);
      }
      return this;
    }

    GgufHeader header() throws CheckpointException {
      GgufWriter writer = new GgufWriter();
      pairs.values().forEach(pair -> pair.accept(writer));
      tensors.forEach(
          (name, shape) ->
              writer.matrix(name, shape.type(), shape.rows(), shape.columns(), out -> {}));
      return GgufHeader.parse(MemorySegment.ofArray(writer.header()));
    }
  }
}
