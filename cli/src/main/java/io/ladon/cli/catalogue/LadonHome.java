package io.ladon.cli.catalogue;

import java.nio.file.Path;
import java.util.Map;

/** The folder for everything that Ladon keeps between runs: models and workers' shards. */
public final class LadonHome {

  private LadonHome() {}

  /**
   * {@code LADON_HOME}; else {@code $XDG_CACHE_HOME/ladon}; else {@code ~/.cache/ladon}.
   *
   * @param environment variables of the process
   */
  public static Path of(Map<String, String> environment) {
    String home = environment.get("LADON_HOME");
    if (home != null && !home.isBlank()) {
      return Path.of(home).toAbsolutePath();
    }
    String cache = environment.get("XDG_CACHE_HOME");
    Path caches =
        cache != null && !cache.isBlank()
            ? Path.of(cache)
            : Path.of(System.getProperty("user.home"), ".cache");
    return caches.resolve("ladon").toAbsolutePath();
  }

  /** Of this process. */
  public static Path current() {
    return of(System.getenv());
  }
}
