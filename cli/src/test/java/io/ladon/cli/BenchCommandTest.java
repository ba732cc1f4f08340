package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class BenchCommandTest {

  @ParameterizedTest
  @CsvSource({
    "--prompt, 0, 1",
    "--generate, 1, 2",
    "--concurrency, 0, 1",
    "--context, -1, 0",
    "--repeat, 0, 1",
    "--warm-up-runs, -1, 0"
  })
  void namesAnOptionThatMeasuresNothing(String option, int value, int least) {
    StringWriter errors = new StringWriter();
    CommandLine command = new CommandLine(new BenchCommand());
    command.setErr(new PrintWriter(errors));
    assertThat(command.execute(option, String.valueOf(value))).isEqualTo(2);
    assertThat(errors.toString())
        .startsWith("%s is %d and must be at least %d".formatted(option, value, least));
  }
}
