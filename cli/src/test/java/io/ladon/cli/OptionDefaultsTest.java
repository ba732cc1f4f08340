package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class OptionDefaultsTest {

  @TempDir Path folder;

  private CommandLine parse(String file, Map<String, String> environment, String... args)
      throws IOException {
    Path path = Files.writeString(folder.resolve("ladon.properties"), file);
    OptionDefaults defaults = OptionDefaults.load(path.toString(), environment);
    CommandLine root = Main.commandLine(defaults, args);
    defaults.check(root);
    root.setDefaultValueProvider(defaults);
    root.parseArgs(args);
    return root;
  }

  private static WorkerCommand worker(CommandLine root) {
    return Objects.requireNonNull(root.getSubcommands().get("worker")).getCommand();
  }

  @Test
  void aFileGivesOptionsOfOneCommandOrOfAll() throws Exception {
    assertThat(worker(parse("threads=3", Map.of(), "worker")).threads).isEqualTo(3);
    assertThat(worker(parse("worker.threads=4\nthreads=3", Map.of(), "worker")).threads)
        .isEqualTo(4);
  }

  @Test
  void theEnvironmentWinsOverTheFileAndTheCommandLineOverBoth() throws Exception {
    Map<String, String> environment = Map.of("LADON_THREADS", "5");
    assertThat(worker(parse("threads=3", environment, "worker")).threads).isEqualTo(5);
    assertThat(worker(parse("threads=3", environment, "worker", "--threads", "6")).threads)
        .isEqualTo(6);
  }

  @Test
  void whatNoCommandKnowsIsRefused() {
    assertThatThrownBy(() -> parse("thread=3", Map.of(), "worker"))
        .hasMessageContaining("no command has an option 'thread'");
    assertThatThrownBy(() -> parse("", Map.of("LADON_TREADS", "3"), "worker"))
        .hasMessageContaining("LADON_TREADS");
  }

  @Test
  void oneCommandAloneIsReadWhereNothingElseIsNeeded() throws Exception {
    OptionDefaults none = OptionDefaults.load(null, Map.of("LADON_HOME", folder.toString()));
    assertThat(Main.commandLine(none, "worker", "--help").getSubcommands())
        .containsOnlyKeys("worker");
    assertThat(Main.commandLine(none, "--help").getUsageMessage()).contains("worker", "tokenize");
    assertThat(parse("threads=3", Map.of("LADON_BIND", "a:1"), "worker").getSubcommands())
        .containsOnlyKeys("worker");
    assertThat(parse("api=b:2", Map.of(), "worker").getSubcommands()).containsKey("bench");
    assertThat(parse("", Map.of("LADON_API", "b:2"), "worker").getSubcommands())
        .containsKey("bench");
  }

  @Test
  void aFileThatIsNamedMustBeThere() {
    assertThatThrownBy(() -> OptionDefaults.load("/no/such/file", Map.of()))
        .hasMessageContaining("/no/such/file");
  }

  @Test
  void homeHoldsTheFileThatIsReadUnasked() throws Exception {
    Files.writeString(folder.resolve("ladon.properties"), "threads=2");
    OptionDefaults defaults = OptionDefaults.load(null, Map.of("LADON_HOME", folder.toString()));
    CommandLine root = Main.commandLine(defaults, "worker");
    root.setDefaultValueProvider(defaults);
    root.parseArgs("worker");
    assertThat(worker(root).threads).isEqualTo(2);
  }
}
