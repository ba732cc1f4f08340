package io.ladon.cli.process;

import io.ladon.engine.memory.SystemFunction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets this process go on as a JVM with other options: the same process number, standard streams,
 * environment and arguments ({@code execv}, POSIX). For what a JVM only finds out when it runs.
 */
public final class OtherJvm {

  private static final Path ARGUMENTS = Path.of("/proc/self/cmdline");

  private OtherJvm() {}

  /**
   * Starts over; returns only by an exception. Nothing may have been read from standard input.
   *
   * @param options name of the file of JVM options that was used, as in {@code @…/NAME}
   * @param others name of the file beside it that is to be used
   * @throws IOException if that cannot be done here; says why
   */
  public static void become(String options, String others) throws IOException {
    List<String> command = replaced(ownCommand(), options, others);
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    throw new IOException("execv of %s: error number %d".formatted(java, execute(java, command)));
  }

  /** How this process was started; Linux tells the JVM the first page of it only. */
  private static List<String> ownCommand() throws IOException {
    if (Files.isReadable(ARGUMENTS)) {
      String all = Files.readString(ARGUMENTS, StandardCharsets.UTF_8);
      return List.of(all.substring(0, all.length() - 1).split("\0", -1));
    }
    ProcessHandle.Info info = ProcessHandle.current().info();
    List<String> command = new ArrayList<>(List.of(info.command().orElse("java")));
    command.addAll(List.of(info.arguments().orElse(new String[0])));
    return command;
  }

  /** A command line with another file of options. */
  static List<String> replaced(List<String> command, String options, String others)
      throws IOException {
    List<String> result = new ArrayList<>(command);
    for (int i = 0; i < result.size(); i++) {
      String argument = result.get(i);
      if (argument.startsWith("@") && argument.substring(1).endsWith("/" + options)) {
        result.set(i, argument.substring(0, argument.length() - options.length()) + others);
        return result;
      }
    }
    throw new IOException("this process was not started with a file of JVM options, @…/" + options);
  }

  /** Becomes a program, unless that fails; then this is the system's error number. */
  private static int execute(Path program, List<String> command) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment arguments = arena.allocate(ValueLayout.ADDRESS, command.size() + 1L);
      for (int i = 0; i < command.size(); i++) {
        arguments.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(command.get(i)));
      }
      return SystemFunction.find("execv")
          .orElseThrow()
          .call(arena.allocateFrom(program.toString()).address(), arguments.address())
          .errorNumber();
    }
  }
}
