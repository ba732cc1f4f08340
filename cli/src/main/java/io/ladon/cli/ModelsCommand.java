package io.ladon.cli;

import io.ladon.cli.catalogue.ModelCatalogue;
import io.ladon.cli.catalogue.ModelEntry;
import io.ladon.cli.catalogue.ModelStore;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The catalogue. */
@Command(
    name = "models",
    description = "Lists the models known by name, or fetches one.",
    sortOptions = false)
final class ModelsCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "MODEL",
      arity = "0..1",
      description = "fetch this model and print where its file is")
  @Nullable String fetch;

  @Override
  public Integer call() throws Exception {
    ModelStore store = ModelStore.current();
    if (fetch != null) {
      System.out.println(store.resolve(fetch));
      return 0;
    }
    for (ModelEntry entry : ModelCatalogue.builtIn().entries()) {
      System.out.printf(
          "%-24s %5d MB  %-20s %s%s%n",
          entry.name(),
          entry.bytes() / 1_000_000,
          entry.licence(),
          entry.description(),
          store.isCached(entry) ? " [cached]" : "");
    }
    return 0;
  }
}
