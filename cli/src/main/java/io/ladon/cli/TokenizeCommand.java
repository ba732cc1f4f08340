package io.ladon.cli;

import io.ladon.cli.catalogue.ModelCatalogue;
import io.ladon.cli.catalogue.ModelStore;
import io.ladon.coordinator.tokenizer.Tokenizer;
import io.ladon.coordinator.tokenizer.Tokenizers;
import io.ladon.engine.checkpoint.GgufFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Text to token ids. */
@Command(
    name = "tokenize",
    description =
        "Prints the token ids of the text on standard input, all of it, line ends included.",
    sortOptions = false)
final class TokenizeCommand implements Callable<Integer> {

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description = "path of a GGUF file, or a name of the catalogue (default: ${DEFAULT-VALUE})",
      defaultValue = ModelCatalogue.DEFAULT_MODEL)
  String model = ModelCatalogue.DEFAULT_MODEL;

  @Option(
      names = "--special",
      description = "take the text of special tokens, such as <|im_start|>, for the tokens")
  boolean special;

  @Option(
      names = "--bos",
      description = "add the tokens that the model wants around a prompt, such as begin-of-text")
  boolean bos;

  @Option(
      names = "--json",
      description =
          "standard input is a JSON array of strings, the output a JSON array of arrays of ids")
  boolean json;

  @Override
  public Integer call() throws Exception {
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    try (GgufFile file = GgufFile.open(ModelStore.find(model))) {
      Tokenizer tokenizer = Tokenizers.of(file.header());
      if (json) {
        List<int[]> ids = new ArrayList<>();
        for (String text : strings(input)) {
          ids.add(tokenizer.encode(text, bos, special));
        }
        out.println(JsonMapper.shared().writeValueAsString(ids));
      } else {
        out.println(
            Arrays.stream(tokenizer.encode(input, bos, special))
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(" ")));
      }
    }
    out.flush();
    return 0;
  }

  private static List<String> strings(String input) throws IOException {
    JsonNode array;
    try {
      array = JsonMapper.shared().readTree(input);
    } catch (JacksonException e) {
      throw new IOException("standard input is no JSON: " + e.getOriginalMessage(), e);
    }
    if (!array.isArray()) {
      throw new IOException("standard input must be a JSON array of strings");
    }
    List<String> strings = new ArrayList<>();
    for (JsonNode element : array) {
      if (!element.isString()) {
        throw new IOException(
            "element %d of the array on standard input is no string".formatted(strings.size()));
      }
      strings.add(element.asString());
    }
    return strings;
  }
}
