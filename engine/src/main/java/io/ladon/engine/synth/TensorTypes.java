package io.ladon.engine.synth;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.TensorNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Which type each matrix of a synthetic model has. Vectors are always F32. */
@FunctionalInterface
public interface TensorTypes {

  /** The type of a matrix of a model with so many layers. */
  TensorType of(String tensor, int layers);

  /** One type for all. */
  static TensorTypes uniform(TensorType type) {
    return (tensor, layers) -> type;
  }

  /**
   * One type for most, and Q6_K for the embedding, the vocabulary head, and value and down of half
   * the layers: the first and last eighth, and every third between. This is how llama.cpp mixes
   * Q4_K_M and Q5_K_M.
   */
  static TensorTypes mixed(TensorType type) {
    return (tensor, layers) -> {
      if (tensor.equals(TensorNames.TOKEN_EMBEDDING) || tensor.equals(TensorNames.OUTPUT)) {
        return TensorType.Q6_K;
      }
      for (int layer = 0; layer < layers; layer++) {
        boolean finer =
            layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
        if (finer
            && (tensor.equals(TensorNames.value(layer))
                || tensor.equals(TensorNames.down(layer)))) {
          return TensorType.Q6_K;
        }
      }
      return type;
    };
  }

  /**
   * By name: a tensor type in lower case, or {@code q4_k_m}, {@code q5_k_m}.
   *
   * @throws IllegalArgumentException naming those that there are
   */
  static TensorTypes named(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "q4_k_m" -> mixed(TensorType.Q4_K);
      case "q5_k_m" -> mixed(TensorType.Q5_K);
      default -> {
        for (TensorType type : TensorType.values()) {
          if (type.name().equalsIgnoreCase(name)) {
            yield uniform(type);
          }
        }
        throw new IllegalArgumentException(
            "no tensor type '%s'; there are: %s".formatted(name, String.join(", ", names())));
      }
    };
  }

  /** The names that {@link #named} knows. */
  static List<String> names() {
    List<String> names = new ArrayList<>();
    for (TensorType type : TensorType.values()) {
      names.add(type.name().toLowerCase(Locale.ROOT));
    }
    names.addAll(List.of("q4_k_m", "q5_k_m"));
    return names;
  }

  /**
   * The type that takes a type's place where columns are no whole number of its blocks, as in
   * llama.cpp.
   */
  static TensorType fitting(TensorType type, int columns) {
    if (columns % type.blockElements() == 0) {
      return type;
    }
    return switch (type) {
      case Q4_K -> TensorType.Q5_0;
      case Q5_K -> TensorType.Q5_1;
      case Q6_K -> TensorType.Q8_0;
      default ->
          throw new IllegalArgumentException(
              columns + " columns are no whole number of " + type + " blocks");
    };
  }
}
