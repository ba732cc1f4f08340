package io.ladon.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A conversation in the terminal. */
@Command(
    name = "chat",
    description = "A conversation in the terminal. /reset forgets it, /exit or Ctrl-D ends it.",
    sortOptions = false)
final class ChatCommand implements Callable<Integer> {

  @Option(names = "--system", paramLabel = "TEXT", description = "instructions to the model")
  @Nullable String system;

  @Option(names = "--figures", description = "print each answer's figures")
  boolean figures;

  @Mixin Serving serving = new Serving();

  @Mixin SamplingOptions sampling = new SamplingOptions();

  @Override
  public Integer call() throws Exception {
    serving.use(
        client -> {
          Conversation conversation = new Conversation(client, sampling, system);
          BufferedReader input =
              new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
          System.err.printf("%s; /reset forgets, /exit ends%n", client.model());
          for (String line = prompt(input); line != null; line = prompt(input)) {
            switch (line.strip()) {
              case "" -> {}
              case "/exit", "/quit" -> {
                return;
              }
              case "/reset" -> conversation.reset();
              default -> answer(conversation, line.strip());
            }
          }
        });
    return 0;
  }

  private void answer(Conversation conversation, String question) {
    try {
      String line = conversation.ask(question);
      if (figures) {
        System.err.println("[" + line + "]");
      }
    } catch (IOException e) {
      System.err.println("ladon: " + e.getMessage());
    }
  }

  private static @Nullable String prompt(BufferedReader input) throws IOException {
    System.err.print("> ");
    System.err.flush();
    return input.readLine();
  }
}
