package io.ladon.cli;

import io.ladon.cli.client.ApiClient;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Continues a text. */
@Command(
    name = "generate",
    description = "Continues a text as it stands, without a chat template.",
    sortOptions = false)
final class GenerateCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "PROMPT",
      arity = "0..1",
      description = "the text to continue; without it, standard input is read")
  @Nullable String prompt;

  @Mixin Serving serving = new Serving();

  @Mixin SamplingOptions sampling = new SamplingOptions();

  @Override
  public Integer call() throws Exception {
    String text =
        prompt != null ? prompt : new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    serving.use(
        client -> {
          Map<String, Object> parameters = new LinkedHashMap<>();
          parameters.put("model", client.model());
          parameters.put("prompt", text);
          sampling.addTo(parameters);
          ApiClient.Answer answer =
              client.stream(
                  "/v1/completions",
                  parameters,
                  piece -> {
                    out.print(piece);
                    out.flush();
                  });
          out.println();
          out.flush();
          System.err.println("[" + answer.figures() + "]");
        });
    return 0;
  }
}
