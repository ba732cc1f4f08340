package io.ladon.cli.catalogue;

import java.io.Console;
import java.io.PrintStream;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows how far a download is: a bar on a terminal, one line at the start and the end elsewhere.
 */
public final class Progress {

  private final PrintStream out;
  private final BooleanSupplier terminal;

  /** On standard error. */
  public Progress() {
    this(
        System.err,
        () -> Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false));
  }

  Progress(PrintStream out, BooleanSupplier terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /** Starts a bar of {@code bytes} in all. */
  Bar start(String name, long bytes) {
    if (!terminal.getAsBoolean()) {
      out.printf("ladon: fetching %s (%d MB)%n", name, bytes / 1_000_000);
      return new Bar(null);
    }
    return new Bar(
        new ProgressBarBuilder()
            .setTaskName(name)
            .setInitialMax(bytes)
            .setUnit("MB", 1_000_000)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200)
            .showSpeed()
            .build());
  }

  /** One download. */
  public static final class Bar implements AutoCloseable {

    private final @Nullable ProgressBar bar;

    Bar(@Nullable ProgressBar bar) {
      this.bar = bar;
    }

    /** Bytes there are by now, in all. */
    public void at(long bytes) {
      if (bar != null) {
        bar.stepTo(bytes);
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
