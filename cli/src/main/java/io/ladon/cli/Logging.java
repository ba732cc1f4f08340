package io.ladon.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ConfiguratorRank;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import ch.qos.logback.core.status.Status;
import org.jspecify.annotations.Nullable;

/**
 * Where log lines go: to standard error, since standard output belongs to answers. {@code
 * LADON_LOG} says from which level on Ladon's own are written (default: INFO). In code, because the
 * parsers of a configuration file would take a fifth of the classes of a process that starts; a
 * file given as {@code logback.configurationFile} is read nevertheless.
 */
@ConfiguratorRank(ConfiguratorRank.CUSTOM_HIGH_PRIORITY)
public final class Logging extends ContextAwareBase implements Configurator {

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (System.getProperty("logback.configurationFile") != null) {
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    // Without a listener a printer of its states would be made.
    context.getStatusManager().add(Logging::tell);
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setLayout(layout(context));
    encoder.start();
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setName("stderr");
    appender.setTarget("System.err");
    appender.setEncoder(encoder);
    appender.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.WARN);
    root.addAppender(appender);
    context.getLogger("io.ladon").setLevel(level(System.getenv("LADON_LOG")));
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /** Tells of what is wrong with the logging itself; how it came about is nobody's business. */
  private static void tell(Status status) {
    if (status.getLevel() >= Status.WARN) {
      System.err.println("ladon: logging: " + status.getMessage());
    }
  }

  private static Layout<ILoggingEvent> layout(LoggerContext context) {
    Layout<ILoggingEvent> layout = new LogLine();
    layout.setContext(context);
    layout.start();
    return layout;
  }

  private static Level level(@Nullable String name) {
    if (name == null || name.isEmpty()) {
      return Level.INFO;
    }
    Level level = Level.toLevel(name, null);
    if (level == null) {
      System.err.println(
          "ladon: LADON_LOG: " + name + " is no level: TRACE, DEBUG, INFO, WARN, ERROR or OFF");
      return Level.INFO;
    }
    return level;
  }
}
