package io.ladon.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A {@code ladon} command as a process, run from the finished build, with all its output kept. */
public final class LadonCommand implements AutoCloseable {

  private final Process process;
  private final List<String> output = new ArrayList<>();
  private final List<String> errors = new ArrayList<>();
  private final Set<ProcessHandle> descendants = ConcurrentHashMap.newKeySet();
  private final List<Thread> readers;

  private LadonCommand(Process process) {
    this.process = process;
    this.readers =
        List.of(
            Thread.ofVirtual()
                .start(() -> read(process.inputReader(StandardCharsets.UTF_8), output)),
            Thread.ofVirtual()
                .start(() -> read(process.errorReader(StandardCharsets.UTF_8), errors)));
  }

  /** The folder that the launcher stands in. */
  public static Path root() {
    return Path.of(System.getProperty("ladon.root", "..")).toAbsolutePath().normalize();
  }

  public static LadonCommand start(String... arguments) throws IOException {
    return start(Map.of(), arguments);
  }

  static LadonCommand start(Map<String, String> environment, String... arguments)
      throws IOException {
    Path dist = root().resolve("cli/target/dist");
    if (!Files.isDirectory(dist)) {
      throw new IOException("no finished build at " + dist + ": run these tests with mvn verify");
    }
    // Whoever runs the tests in the background may have told all processes to ignore interrupts.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.add(root().resolve("ladon").toString());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("LADON_DIST", dist.toString());
    builder.environment().putAll(environment);
    return new LadonCommand(builder.start());
  }

  /** Waits for the end and gives the exit code. */
  int await(Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!process.waitFor(50, TimeUnit.MILLISECONDS)) {
      process.descendants().forEach(descendants::add);
      if (System.nanoTime() > deadline) {
        throw new AssertionError("still running after " + limit + "; " + this);
      }
    }
    for (Thread reader : readers) {
      reader.join(Duration.ofSeconds(10));
    }
    return process.exitValue();
  }

  /** Waits for a line on standard output. */
  public String awaitLine(String part, Duration limit) {
    Awaitility.await("a line with '" + part + "'")
        .atMost(limit)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              process.descendants().forEach(descendants::add);
              if (!process.isAlive() && find(part) == null) {
                throw new AssertionError("ended before it said '" + part + "'; " + this);
              }
              return find(part) != null;
            });
    return Objects.requireNonNull(find(part), part);
  }

  private @Nullable String find(String part) {
    synchronized (output) {
      return output.stream().filter(line -> line.contains(part)).findFirst().orElse(null);
    }
  }

  /** All of standard output so far. */
  String output() {
    synchronized (output) {
      return String.join("\n", output);
    }
  }

  /** All of standard error so far. */
  String errors() {
    synchronized (errors) {
      return String.join("\n", errors);
    }
  }

  /** The processes under this one, those that have ended included. */
  Set<ProcessHandle> descendants() {
    process.descendants().forEach(descendants::add);
    return descendants;
  }

  /** The living processes under this one whose command line has a word. */
  List<ProcessHandle> living(String word) {
    return process
        .descendants()
        .filter(
            child ->
                child.info().arguments().stream().flatMap(Arrays::stream).anyMatch(word::equals))
        .toList();
  }

  Process process() {
    return process;
  }

  @Override
  public void close() {
    descendants();
    process.destroy();
    try {
      if (!process.waitFor(15, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    descendants.forEach(ProcessHandle::destroyForcibly);
  }

  private static void read(BufferedReader reader, List<String> lines) {
    try (reader) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        synchronized (lines) {
          lines.add(line);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      synchronized (lines) {
        lines.add("(reading its output failed: " + e + ")");
      }
    }
  }

  @Override
  public String toString() {
    return "output:\n%s\nerrors:\n%s".formatted(output(), errors());
  }
}
