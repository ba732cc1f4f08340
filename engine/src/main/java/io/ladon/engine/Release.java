package io.ladon.engine;

/**
 * Which release this is. Coordinator and workers of one cluster must be of the same: each computes
 * plans and shards by itself and relies on the others' being equal.
 */
public final class Release {

  /** Version of the software, as in the root POM. */
  public static final String VERSION = "0.1.0-SNAPSHOT";

  /** Version of the wire contract; grows with every change of a {@code .proto} file's meaning. */
  public static final int PROTOCOL = 5;

  private Release() {}
}
