package io.ladon.cli.process;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The JVM's ahead-of-time caches (JEP 483, 514 and 515), with which a process starts several times
 * as fast: loaded classes, and profiles of what is worth compiling. The build makes them beside the
 * jars, {@code coordinator.aot} and {@code worker.aot}, in a rehearsal: a small cluster that runs
 * once. A cache that does not fit the JVM or the jars is ignored by the JVM.
 */
final class StartCache {

  /** Whether this is the rehearsal. */
  static final boolean REHEARSAL = System.getenv("LADON_REHEARSAL") != null;

  private StartCache() {}

  /**
   * JVM options of a child process.
   *
   * @param command the sub-command that it runs
   * @param first whether it is the first of its kind in this cluster, which makes the cache
   */
  static List<String> options(String command, boolean first) {
    Path jar = Path.of(System.getProperty("java.class.path"));
    if (!Files.isRegularFile(jar)) {
      return List.of(); // classes in folders, in a test
    }
    Path cache = jar.toAbsolutePath().resolveSibling(command + ".aot");
    if (REHEARSAL) {
      return first ? List.of("-XX:AOTCacheOutput=" + cache) : List.of();
    }
    // Silent: what the JVM says of a cache that it cannot use goes to standard output.
    return Files.exists(cache)
        ? List.of("-XX:AOTCache=" + cache, "-Xlog:disable", "-Xlog:all=error:stderr")
        : List.of();
  }
}
