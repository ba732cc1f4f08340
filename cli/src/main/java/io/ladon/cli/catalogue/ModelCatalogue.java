package io.ladon.cli.catalogue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** The models known by name, as listed in {@code models.json}. */
public final class ModelCatalogue {

  /** What is run where no model is named. */
  public static final String DEFAULT_MODEL = "smollm2-135m-instruct";

  private final List<ModelEntry> entries;

  ModelCatalogue(List<ModelEntry> entries) {
    this.entries = List.copyOf(entries);
  }

  /** The catalogue that comes with the program. */
  public static ModelCatalogue load() {
    try (InputStream in =
        Objects.requireNonNull(
            ModelCatalogue.class.getResourceAsStream("models.json"), "models.json")) {
      return new ModelCatalogue(
          JsonMapper.shared().readValue(in, new TypeReference<List<ModelEntry>>() {}));
    } catch (IOException e) {
      throw new UncheckedIOException("the catalogue cannot be read", e);
    }
  }

  public List<ModelEntry> entries() {
    return entries;
  }

  /** The entry of a name, upper and lower case alike. */
  public Optional<ModelEntry> find(String name) {
    return entries.stream().filter(entry -> entry.name().equalsIgnoreCase(name)).findFirst();
  }
}
