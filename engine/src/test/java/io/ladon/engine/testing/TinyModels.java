package io.ladon.engine.testing;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.synth.SyntheticModel;
import io.ladon.engine.synth.SyntheticShapes;
import io.ladon.engine.synth.TensorTypes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Tiny random-weight models in a folder of the test's own. Each is written when it is first asked
 * for; the same name and type always give the same bytes.
 *
 * <p>{@code tiny-llama}: 8 heads on 4, {@code tiny-llama3}: 8 on 2, frequency factors, a head of
 * its own; {@code tiny-llama-9-heads}: 9 on 3, hidden size 288; {@code tiny-qwen2}: biases; {@code
 * tiny-qwen3}: 12 heads of 64 on 3; {@code tiny-gemma3}: 4 heads of 64 on 1, every second of its
 * layers slides over 24 positions. All have 700 tokens.
 */
public final class TinyModels {

  private static final long SEED = 42;

  private final Path folder;

  /**
   * @param folder an existing folder, e.g. JUnit's {@code @TempDir}
   */
  public TinyModels(Path folder) {
    this.folder = folder;
  }

  /** Names of all tiny shapes: every family, both rotary styles. */
  public static List<String> names() {
    return SyntheticShapes.all().keySet().stream().filter(n -> n.startsWith("tiny-")).toList();
  }

  /** Names that {@link #model(String, String)} takes as types, mixtures among them. */
  public static List<String> types() {
    return TensorTypes.names();
  }

  /** A model with one tensor type for all matrices (or what fits, where columns are too few). */
  public Path model(String name, TensorType type) {
    return model(name, type.name());
  }

  /**
   * A model by the names of its shape and type.
   *
   * @param type e.g. {@code q4_0}, {@code f32} or the mixture {@code q4_k_m}
   */
  public synchronized Path model(String name, String type) {
    Path path = folder.resolve(name + "-" + type + ".gguf");
    if (!Files.exists(path)) {
      try {
        SyntheticModel.write(SyntheticShapes.of(name), TensorTypes.named(type), SEED, path);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return path;
  }
}
