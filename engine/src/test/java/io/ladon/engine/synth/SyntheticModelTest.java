package io.ladon.engine.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.testing.TinyModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SyntheticModelTest {

  @TempDir private Path folder;

  static Stream<Arguments> everyFamilyAndType() {
    return TinyModels.names().stream()
        .flatMap(name -> TinyModels.types().stream().map(type -> Arguments.of(name, type)));
  }

  @ParameterizedTest
  @MethodSource("everyFamilyAndType")
  void readsBackAsItsShape(String name, String type) throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, type))) {
      assertThat(ModelSpecs.read(file.header())).isEqualTo(SyntheticShapes.of(name));
    }
  }

  @Test
  void theSameSeedGivesTheSameBytes() throws Exception {
    ModelSpec spec = SyntheticShapes.of("tiny-qwen2");
    Path first = folder.resolve("first");
    Path again = folder.resolve("again");
    Path other = folder.resolve("other");
    SyntheticModel.write(spec, TensorTypes.named("q4_k_m"), 7, first);
    SyntheticModel.write(spec, TensorTypes.named("q4_k_m"), 7, again);
    SyntheticModel.write(spec, TensorTypes.named("q4_k_m"), 8, other);
    assertThat(Files.mismatch(first, again)).isEqualTo(-1);
    assertThat(Files.size(other)).isEqualTo(Files.size(first));
    assertThat(Files.mismatch(first, other)).isPositive();
  }

  @Test
  void weightsKeepTheSizeOfTheirInput() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "f32"))) {
      TensorInfo up = file.header().tensor("blk.1.ffn_up.weight");
      float[] values = new float[up.rows() * up.columns()];
      TensorDecoder.decode(up.type(), file.slice(up.whole()), 0, values, 0, values.length);
      double sum = 0;
      double squares = 0;
      for (float value : values) {
        sum += value;
        squares += value * value;
      }
      assertThat(sum / values.length).isCloseTo(0, within(1e-3));
      assertThat(squares / values.length * up.columns()).isCloseTo(1, within(0.02));
    }
  }

  @Test
  void mixesTypesAsLlamaCppDoes() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q4_k_m"))) {
      GgufHeader header = file.header();
      assertThat(header.tensor("token_embd.weight").type()).isEqualTo(TensorType.Q6_K);
      assertThat(header.tensor("blk.0.ffn_down.weight").type()).isEqualTo(TensorType.Q4_K);
      assertThat(header.tensor("blk.2.ffn_down.weight").type()).isEqualTo(TensorType.Q6_K);
      assertThat(header.tensor("blk.2.attn_v.weight").type()).isEqualTo(TensorType.Q6_K);
      assertThat(header.tensor("blk.2.attn_k.weight").type()).isEqualTo(TensorType.Q4_K);
      assertThat(header.tensor("blk.2.attn_norm.weight").type()).isEqualTo(TensorType.F32);
    }
    try (GgufFile file =
        GgufFile.open(new TinyModels(folder).model("tiny-llama-9-heads", "q4_k"))) {
      assertThat(file.header().tensor("blk.0.attn_q.weight").type()).isEqualTo(TensorType.Q5_0);
    }
  }

  @Test
  void hasATokenForEveryByteAndPlace() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q8_0"))) {
      List<String> tokens = file.header().strings("tokenizer.ggml.tokens");
      assertThat(tokens).hasSize(700).doesNotHaveDuplicates();
      assertThat(file.header().ints("tokenizer.ggml.token_type")).hasSize(700).startsWith(3, 3, 3);
      assertThat(tokens.subList(0, 3))
          .containsExactly("<|endoftext|>", "<|im_start|>", "<|im_end|>");
      assertThat(tokens.get(3 + 'A')).isEqualTo("A");
      assertThat(tokens.get(3 + ' ')).isEqualTo("Ġ");
      assertThat(tokens.get(3 + '\n')).isEqualTo("Ċ");
      assertThat(tokens.get(3 + 0xad)).isEqualTo("Ń");
      Set<String> known = new HashSet<>(tokens);
      for (String merge : file.header().strings("tokenizer.ggml.merges")) {
        assertThat(known).contains(merge.split(" ")).contains(merge.replace(" ", ""));
      }
      assertThat(file.header().string("tokenizer.chat_template"))
          .startsWith("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' +")
          .endsWith("{{ '<|im_start|>assistant\\n' }}{% endif %}");
    }
  }

  @Test
  void refusesATooSmallVocabulary() {
    ModelSpec spec =
        SyntheticShapes.llama(
            "small", new SyntheticShapes.Sizes(1, 32, 32, 2, 1, 16), 100, 1e4f, false, true);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SyntheticModel.write(
                    spec, TensorTypes.uniform(TensorType.F32), 1, folder.resolve("x")))
        .withMessageContaining("100 is too small");
  }

  @Test
  void unknownNamesSayWhatThereIs() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SyntheticShapes.of("llama-2b"))
        .withMessageContaining("'llama-2b'")
        .withMessageContaining("llama-1b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorTypes.named("q9"))
        .withMessageContaining("'q9'")
        .withMessageContaining("q4_k_m");
  }

  @Test
  void knownModelsHaveTheirSizes() {
    ModelSpec spec = SyntheticShapes.of("llama-1b");
    assertThat(spec.hiddenSize()).isEqualTo(2048);
    assertThat(spec.layers()).isEqualTo(16);
    assertThat(spec.queryHeads()).isEqualTo(32);
    assertThat(spec.kvHeads()).isEqualTo(8);
    assertThat(spec.headSize()).isEqualTo(64);
    assertThat(spec.feedForwardSize()).isEqualTo(8192);
    assertThat(spec.vocabularySize()).isEqualTo(128_256);
    assertThat(SyntheticShapes.all()).containsKeys("llama-135m", "llama-3b", "llama-8b");
  }
}
