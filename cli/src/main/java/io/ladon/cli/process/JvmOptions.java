package io.ladon.cli.process;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * JVM options of the processes that a command starts: those of a file beside the jars, {@code
 * worker.options}, and an archive of loaded classes, {@code ladon.jsa}, with which a process starts
 * faster. {@code rehearse}, beside the jars too, makes it. An archive that does not fit the JVM or
 * the jars is ignored by the JVM.
 */
final class JvmOptions {

  private JvmOptions() {}

  /**
   * Options of a child process.
   *
   * @param command the sub-command that it runs
   */
  static List<String> of(String command) {
    Path jar = Path.of(System.getProperty("java.class.path")).toAbsolutePath();
    List<String> options = new ArrayList<>();
    options.add("@" + jar.resolveSibling(command + ".options"));
    Path archive = jar.resolveSibling("ladon.jsa");
    if (Files.exists(archive)) {
      // Silent: what the JVM says of an archive that it cannot use goes to standard output.
      options.addAll(
          List.of("-XX:SharedArchiveFile=" + archive, "-Xlog:disable", "-Xlog:all=error:stderr"));
    }
    return options;
  }
}
