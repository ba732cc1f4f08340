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
    if (cache != null && !cache.isBlank()) {
      return Path.of(cache, "ladon").toAbsolutePath();
    }
    // As a shell reads ~; the JVM's own idea comes from the user database.
    String user = environment.getOrDefault("HOME", System.getProperty("user.home"));
    return Path.of(user, ".cache", "ladon").toAbsolutePath();
  }

  /** Of this process. */
  public static Path current() {
    return of(System.getenv());
  }
}
