package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.core.status.ErrorStatus;
import ch.qos.logback.core.status.InfoStatus;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LoggingTest {

  private final PrintStream before = System.err;
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final LoggerContext context = new LoggerContext();

  @BeforeEach
  void capture() {
    System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    Logging logging = new Logging();
    logging.setContext(context);
    logging.configure(context);
  }

  @AfterEach
  void restore() {
    System.setErr(before);
    context.stop();
  }

  @Test
  void saysNothingOfItself() {
    context.getStatusManager().add(new InfoStatus("how it came about", this));
    assertThat(written.toString(StandardCharsets.UTF_8)).isEmpty();
  }

  @Test
  void saysWhatIsWrongWithIt() {
    context.getStatusManager().add(new ErrorStatus("no such appender", this));
    assertThat(written.toString(StandardCharsets.UTF_8))
        .isEqualToIgnoringNewLines("ladon: logging: no such appender");
  }
}
