package io.ladon.cli.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelCatalogueTest {

  @Test
  void everyEntryIsWhole() {
    assertThat(ModelCatalogue.builtIn().entries())
        .isNotEmpty()
        .allSatisfy(
            entry -> {
              assertThat(entry.sha256()).matches("[0-9a-f]{64}");
              assertThat(entry.bytes()).isPositive();
              assertThat(entry.licence()).isNotBlank();
              assertThat(entry.sources()).isNotEmpty();
            });
  }

  @Test
  void hasTheDefaultModel() {
    ModelEntry entry = ModelCatalogue.builtIn().find(ModelCatalogue.DEFAULT_MODEL).orElseThrow();
    assertThat(entry.sources().getFirst()).isInstanceOf(ModelEntry.Pypi.class);
    assertThat(entry.sources().getLast()).isInstanceOf(ModelEntry.Hub.class);
  }

  @Test
  void theHomeFolderIsWhereTheEnvironmentSays() {
    assertThat(LadonHome.of(Map.of("LADON_HOME", "/a"))).isEqualTo(Path.of("/a"));
    assertThat(LadonHome.of(Map.of("XDG_CACHE_HOME", "/b"))).isEqualTo(Path.of("/b/ladon"));
    assertThat(LadonHome.of(Map.of("HOME", "/c"))).isEqualTo(Path.of("/c/.cache/ladon"));
    assertThat(LadonHome.of(Map.of())).endsWithRaw(Path.of(".cache", "ladon"));
  }
}
