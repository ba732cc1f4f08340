package io.ladon.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks one question. */
@Command(
    name = "run",
    description = "Starts a cluster on this machine, asks one question, and ends the cluster.",
    sortOptions = false)
final class RunCommand implements Callable<Integer> {

  @Parameters(paramLabel = "QUESTION", description = "what to ask")
  String question = "";

  @Option(names = "--system", paramLabel = "TEXT", description = "instructions to the model")
  @Nullable String system;

  @Mixin Serving serving = new Serving();

  @Mixin SamplingOptions sampling = new SamplingOptions();

  @Override
  public Integer call() throws Exception {
    serving.use(
        client -> {
          String figures = new Conversation(client, sampling, system).ask(question);
          System.err.println("[" + figures + "]");
        });
    return 0;
  }
}
