package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.worker.exchange.ExchangeMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** A child's options are read by their list alone as they are by picocli. */
class ChildOptionsTest {

  private static final Path MODEL = Path.of("/models/some.gguf");

  @TempDir Path home;

  private static ClusterOptions options(String... args) {
    ClusterOptions options = new ClusterOptions();
    CommandLine.populateCommand(options, args);
    return options;
  }

  private OptionDefaults defaults(Map<String, String> environment) throws Exception {
    Map<String, String> all = new HashMap<>(environment);
    all.put("LADON_HOME", home.toString());
    return OptionDefaults.load(null, all);
  }

  private static String[] line(String command, List<String> arguments, String... more) {
    List<String> line = new ArrayList<>(List.of(command, "--supervised"));
    line.addAll(arguments);
    line.addAll(List.of(more));
    return line.toArray(String[]::new);
  }

  private Callable<Integer> byPicocli(String... line) throws Exception {
    CommandLine root = Main.commandLine(defaults(Map.of()), line);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.parseArgs(line);
    return Objects.requireNonNull(root.getSubcommands().get(line[0])).getCommand();
  }

  private void assertSameBothWays(String... line) throws Exception {
    assertThat(Main.child(defaults(Map.of()), line))
        .usingRecursiveComparison()
        .ignoringFieldsOfTypes(CommandSpec.class)
        .isEqualTo(byPicocli(line));
  }

  @Test
  void whatIsGivenAndWhatIsNot() throws Exception {
    ClusterOptions none = options();
    assertSameBothWays(line("coordinator", none.coordinatorArguments(MODEL, 0)));
    assertSameBothWays(line("worker", none.workerArguments(MODEL)));
    assertSameBothWays(line("coordinator", List.of()));
    assertSameBothWays(line("worker", List.of()));
  }

  @Test
  void everyOptionOfAClusterReachesItsProcesses() throws Exception {
    ClusterOptions all =
        options(
            "--model=some-model",
            "--workers=3",
            "--threads=5",
            "--kernels=scalar",
            "--exchange=shared-memory",
            "--context-length=1",
            "--output-split=ROWS",
            "--down-split=WHOLE",
            "--kv-type=Q8",
            "--kv-tokens=2",
            "--step-tokens=3",
            "--chunk=4",
            "--running=5",
            "--queue=6",
            "--step-timeout=7.5",
            "--exchange-timeout=8",
            "--silence-timeout=9",
            "--load-timeout=10",
            "--warm-up-steps=11",
            "--draft-tokens=13");
    String[] coordinator = line("coordinator", all.coordinatorArguments(MODEL, 12));
    String[] worker =
        line("worker", all.workerArguments(MODEL), "--bind", "a:1", "--advertise", "b");
    assertSameBothWays(coordinator);
    assertSameBothWays(worker);
    assertThat(Main.child(defaults(Map.of()), coordinator))
        .isInstanceOfSatisfying(
            CoordinatorCommand.class,
            read -> {
              assertThat(read.serving).usingRecursiveComparison().isEqualTo(all.serving);
              assertThat(read.workers).isEqualTo(3);
              assertThat(read.api).isEqualTo("127.0.0.1:12");
              assertThat(read.modelName).isEqualTo("some");
            });
    assertThat(Main.child(defaults(Map.of()), worker))
        .isInstanceOfSatisfying(
            WorkerCommand.class,
            read -> {
              assertThat(read.threads).isEqualTo(5);
              assertThat(read.exchange).isEqualTo(ExchangeMode.SHARED_MEMORY);
              assertThat(read.advertise).isEqualTo("b");
            });
    // Whoever adds an option to a cluster adds it here.
    assertThat(CommandSpec.forAnnotatedObject(new ClusterOptions()).options())
        .allSatisfy(
            option ->
                assertThat(option.<Object>getValue())
                    .as(option.longestName())
                    .isNotEqualTo(
                        CommandSpec.forAnnotatedObject(all)
                            .findOption(option.longestName())
                            .getValue()));
  }

  @Test
  void picocliReadsThemWhereTheEnvironmentNamesMore() throws Exception {
    String[] line = line("worker", options().workerArguments(MODEL));
    assertThat(Main.child(defaults(Map.of("LADON_MEMORY", "100")), line)).isNull();
    assertThat(Main.child(defaults(Map.of()), "worker", "--threads", "2")).isNull();
  }

  @Test
  void nothingIsIgnored() {
    assertThatThrownBy(() -> Main.child(defaults(Map.of()), line("worker", List.of("--a", "b"))))
        .hasMessageContaining("--a");
    assertThatThrownBy(() -> Main.child(defaults(Map.of()), line("worker", List.of("--threads"))))
        .hasMessageContaining("--threads has no value");
    assertThatThrownBy(
            () -> Main.child(defaults(Map.of()), line("worker", List.of("--threads", "x"))))
        .hasMessage("invalid value for option '--threads': 'x'");
    assertThat(Main.execute("worker", "--supervised", "--threads", "x")).isEqualTo(Main.USAGE);
  }
}
