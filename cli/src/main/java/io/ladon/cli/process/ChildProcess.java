package io.ladon.cli.process;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A {@code ladon} sub-command as a process of its own, with its log in a file. */
final class ChildProcess implements AutoCloseable {

  private static final int TAIL_LINES = 15;

  private static final Duration GRACE = Duration.ofSeconds(5);

  private final String name;
  private final Process process;
  private final Path log;
  private final BufferedWriter input;

  private ChildProcess(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
    this.input =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
  }

  /**
   * Starts a sub-command with the JVM and class path of this process.
   *
   * @param jvmOptions for the child, beside those of LADON_JAVA_OPTS
   */
  static ChildProcess start(String name, Path log, List<String> jvmOptions, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(jvmOptions);
    String more = System.getenv("LADON_JAVA_OPTS");
    if (more != null && !more.isBlank()) {
      command.addAll(List.of(more.trim().split("\\s+")));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.ladon.cli.Main"));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    return new ChildProcess(name, builder.start(), log);
  }

  String name() {
    return name;
  }

  Process process() {
    return process;
  }

  /** Sends one line to the child's standard input. */
  void say(String line) throws IOException {
    input.write(line);
    input.newLine();
    input.flush();
  }

  /**
   * What to tell people when this child has ended unasked: its exit code and the end of its log.
   */
  String obituary() {
    StringBuilder text =
        new StringBuilder("the %s ended with code %d".formatted(name, process.exitValue()));
    for (String line : tail()) {
      text.append(System.lineSeparator()).append("  ").append(line);
    }
    return text.toString();
  }

  List<String> tail() {
    try (Stream<String> lines = Files.lines(log)) {
      // The JVM's own warning about the incubating Vector API helps nobody.
      List<String> all = lines.filter(line -> !line.contains("incubator")).toList();
      return all.subList(Math.max(0, all.size() - TAIL_LINES), all.size());
    } catch (IOException e) {
      return List.of("(its log cannot be read: " + e.getMessage() + ")");
    }
  }

  /** Resident memory as Linux counts it, shared pages included, from {@code /proc/PID/status}. */
  long residentBytes() throws IOException {
    return memory("status", "VmRSS:");
  }

  /**
   * The same where a page that n processes share counts an nth, from {@code
   * /proc/PID/smaps_rollup}: all processes' together are what the machine lacks for others.
   */
  long proportionalBytes() throws IOException {
    return memory("smaps_rollup", "Pss:");
  }

  private long memory(String file, String field) throws IOException {
    Path path = Path.of("/proc", Long.toString(process.pid()), file);
    try (Stream<String> lines = Files.lines(path)) {
      String line =
          lines
              .filter(l -> l.startsWith(field))
              .findFirst()
              .orElseThrow(() -> new IOException("no %s in %s".formatted(field, path)));
      return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
  }

  /** Asks the child to end; {@link #close} waits for it. */
  void stop() {
    process.destroy();
  }

  /** Ends the child: gently, and after a while by force. */
  @Override
  public void close() {
    stop();
    try {
      if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
