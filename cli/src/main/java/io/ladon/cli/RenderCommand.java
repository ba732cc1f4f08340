package io.ladon.cli;

import io.ladon.cli.catalogue.ModelStore;
import io.ladon.coordinator.template.ChatTemplate;
import io.ladon.coordinator.tokenizer.Tokenizer;
import io.ladon.coordinator.tokenizer.Tokenizers;
import io.ladon.engine.checkpoint.GgufFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** A chat request to its prompt. */
@Command(
    name = "render",
    description = {
      "Prints the prompt of a chat request: a JSON object on standard input with 'messages', and whatever else"
          + " the template reads ('tools', 'add_generation_prompt', ...)."
    },
    sortOptions = false)
final class RenderCommand implements Callable<Integer> {

  @ArgGroup(multiplicity = "1")
  Template template = new Template();

  /** Where the template comes from. */
  static final class Template {

    @Option(
        names = {"-m", "--model"},
        paramLabel = "MODEL",
        description = "the template of a model: path of a GGUF file, or a name of the catalogue")
    @Nullable String model;

    @Option(names = "--template", paramLabel = "FILE", description = "a Jinja template")
    @Nullable Path file;
  }

  @Override
  public Integer call() throws Exception {
    Map<String, Object> variables = new HashMap<>();
    variables.put("add_generation_prompt", true);
    variables.put("bos_token", "");
    variables.put("eos_token", "");
    ChatTemplate compiled;
    if (template.file != null) {
      compiled = ChatTemplate.compile(Files.readString(template.file));
    } else {
      String model = template.model;
      if (model == null) {
        throw new IllegalStateException("one of --model and --template is given");
      }
      compiled = ofModel(model, variables);
    }
    variables.putAll(request());
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    out.print(compiled.render(variables));
    out.flush();
    return 0;
  }

  private static ChatTemplate ofModel(String model, Map<String, Object> variables)
      throws IOException, InterruptedException {
    try (GgufFile file = GgufFile.open(ModelStore.find(model))) {
      ChatTemplate found = ChatTemplate.of(file.header());
      if (found == null) {
        throw new IOException("%s has no chat template".formatted(file.path()));
      }
      Tokenizer tokenizer = Tokenizers.of(file.header());
      variables.put("bos_token", text(tokenizer, tokenizer.beginOfText()));
      variables.put("eos_token", text(tokenizer, tokenizer.endOfText()));
      return found;
    }
  }

  private static String text(Tokenizer tokenizer, @Nullable Integer id) {
    return id == null ? "" : new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8);
  }

  private static Map<String, Object> request() throws IOException {
    Map<String, Object> request;
    try {
      request =
          JsonMapper.shared()
              .readValue(System.in.readAllBytes(), new TypeReference<Map<String, Object>>() {});
    } catch (JacksonException e) {
      throw new IOException("standard input is no JSON object: " + e.getOriginalMessage(), e);
    }
    if (!(request.get("messages") instanceof List<?>)) {
      throw new IOException("'messages' must be an array");
    }
    return request;
  }
}
