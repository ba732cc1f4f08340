package io.ladon.cli.process;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * JVM options of the processes that a command starts: those of a file beside the jars, {@code
 * worker.options}, and the JVM's ahead-of-time cache (JEP 483, 514 and 515), {@code worker.aot},
 * with which a process starts faster: it has loaded classes, and profiles of what is worth
 * compiling. The build makes the caches in a rehearsal, a small cluster that runs once. A cache
 * that does not fit the JVM or the jars is ignored by the JVM.
 */
final class JvmOptions {

  /** Whether this is the rehearsal. */
  static final boolean REHEARSAL = System.getenv("LADON_REHEARSAL") != null;

  private JvmOptions() {}

  /**
   * Options of a child process.
   *
   * @param command the sub-command that it runs
   * @param first whether it is the first of its kind in this cluster, which makes the cache
   */
  static List<String> of(String command, boolean first) {
    Path jar = Path.of(System.getProperty("java.class.path")).toAbsolutePath();
    List<String> options = new ArrayList<>();
    options.add("@" + jar.resolveSibling(command + ".options"));
    Path cache = jar.resolveSibling(command + ".aot");
    if (REHEARSAL && first) {
      options.add("-XX:AOTCacheOutput=" + cache);
    } else if (!REHEARSAL && Files.exists(cache)) {
      // Silent: what the JVM says of a cache that it cannot use goes to standard output.
      options.addAll(List.of("-XX:AOTCache=" + cache, "-Xlog:disable", "-Xlog:all=error:stderr"));
    }
    return options;
  }
}
