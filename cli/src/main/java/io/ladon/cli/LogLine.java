package io.ladon.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.LayoutBase;
import java.time.LocalTime;
import java.time.ZoneId;

/**
 * One line for each event, {@code 21:04:59.012 INFO Cluster: epoch 1 serves}, and one more for
 * where an exception comes from. In code, because a pattern of these few parts would have some
 * dozens of classes made at a process's start.
 */
final class LogLine extends LayoutBase<ILoggingEvent> {

  private static final String SEPARATOR = System.lineSeparator();

  @Override
  public String doLayout(ILoggingEvent event) {
    LocalTime time = LocalTime.ofInstant(event.getInstant(), ZoneId.systemDefault());
    StringBuilder line = new StringBuilder(128);
    digits(line, time.getHour(), 2).append(':');
    digits(line, time.getMinute(), 2).append(':');
    digits(line, time.getSecond(), 2).append('.');
    digits(line, time.getNano() / 1_000_000, 3).append(' ');
    String level = event.getLevel().toString();
    line.append(level).append(" ".repeat(Math.max(1, 6 - level.length())));
    String logger = event.getLoggerName();
    line.append(logger, logger.lastIndexOf('.') + 1, logger.length()).append(": ");
    line.append(event.getFormattedMessage()).append(SEPARATOR);
    if (event.getThrowableProxy() != null) {
      exception(line, event.getThrowableProxy());
    }
    return line.toString();
  }

  /** An exception's class and message, and the innermost place that it came from. */
  private static void exception(StringBuilder line, IThrowableProxy thrown) {
    line.append(thrown.getClassName()).append(": ").append(thrown.getMessage()).append(SEPARATOR);
    StackTraceElementProxy[] trace = thrown.getStackTraceElementProxyArray();
    if (trace.length > 0) {
      line.append('\t').append(trace[0]).append(SEPARATOR);
    }
  }

  private static StringBuilder digits(StringBuilder line, int number, int width) {
    String text = Integer.toString(number);
    return line.append("0".repeat(width - text.length())).append(text);
  }
}
