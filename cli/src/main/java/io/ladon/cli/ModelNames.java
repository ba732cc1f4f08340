package io.ladon.cli;

import io.ladon.cli.catalogue.ModelCatalogue;
import java.nio.file.Path;

/** What clients call a model. */
final class ModelNames {

  private ModelNames() {}

  /**
   * The name of the catalogue if that is how it was asked for, else the file's name without its
   * ending.
   */
  static String of(String model, Path path) {
    return ModelCatalogue.builtIn()
        .find(model)
        .map(entry -> entry.name())
        .orElseGet(() -> String.valueOf(path.getFileName()).replaceFirst("\\.gguf$", ""));
  }
}
