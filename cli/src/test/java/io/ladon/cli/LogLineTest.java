package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LogLineTest {

  private static String line(Level level, @Nullable Throwable thrown, LocalDateTime at) {
    LoggingEvent event =
        new LoggingEvent(
            "",
            new LoggerContext().getLogger("io.ladon.some.Place"),
            level,
            "{} of {}",
            thrown,
            new Object[] {1, 2});
    event.setInstant(at.atZone(ZoneId.systemDefault()).toInstant());
    return new LogLine().doLayout(event);
  }

  @Test
  void timeLevelPlaceAndMessage() {
    assertThat(line(Level.INFO, null, LocalDateTime.of(2025, 1, 2, 3, 4, 5, 6_000_000)))
        .isEqualTo("03:04:05.006 INFO  Place: 1 of 2%n".formatted());
    assertThat(line(Level.ERROR, null, LocalDateTime.of(2025, 1, 2, 23, 59, 58, 999_999_999)))
        .isEqualTo("23:59:58.999 ERROR Place: 1 of 2%n".formatted());
  }

  @Test
  void anExceptionAndWhereItCameFrom() {
    assertThat(line(Level.WARN, new IOException("no disk"), LocalDateTime.of(2025, 1, 2, 3, 4)))
        .startsWith("03:04:00.000 WARN  Place: 1 of 2%njava.io.IOException: no disk".formatted())
        .containsOnlyOnce("at io.ladon.cli.LogLineTest");
  }
}
