package io.ladon.cli;

import io.ladon.cli.client.ApiClient;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Messages to and fro with a model, its answers streamed to the terminal. */
final class Conversation {

  private final ApiClient client;
  private final SamplingOptions sampling;
  private final List<Map<String, String>> messages = new ArrayList<>();
  private final @Nullable String system;
  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  Conversation(ApiClient client, SamplingOptions sampling, @Nullable String system) {
    this.client = client;
    this.sampling = sampling;
    this.system = system;
    reset();
  }

  /** Forgets all that was said. */
  void reset() {
    messages.clear();
    if (system != null) {
      messages.add(Map.of("role", "system", "content", system));
    }
  }

  /**
   * Says something, prints the answer as it comes, and remembers both.
   *
   * @return the answer's figures
   */
  String ask(String question) throws IOException {
    messages.add(Map.of("role", "user", "content", question));
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("model", client.model());
    parameters.put("messages", messages);
    sampling.addTo(parameters);
    StringBuilder answer = new StringBuilder();
    ApiClient.Answer end;
    try {
      end =
          client.stream(
              "/v1/chat/completions",
              parameters,
              piece -> {
                answer.append(piece);
                out.print(piece);
                out.flush();
              });
    } catch (IOException e) {
      messages.removeLast(); // so that the next try does not repeat the question
      throw e;
    } finally {
      out.println();
      out.flush();
    }
    messages.add(Map.of("role", "assistant", "content", answer.toString()));
    return end.figures();
  }
}
