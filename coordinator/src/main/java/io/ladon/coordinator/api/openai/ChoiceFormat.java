package io.ladon.coordinator.api.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** How one endpoint writes the choices of its answers. */
interface ChoiceFormat {
  /** What the answer's id begins with. */
  String idPrefix();

  /** The {@code object} of a whole answer. */
  String wholeObject();

  /** The {@code object} of a streamed chunk. */
  String chunkObject();

  /** What a choice's stream begins with; null if nothing. */
  @Nullable ObjectNode opening(int index);

  /** A piece of a choice. */
  ObjectNode piece(int index, ChoiceText.Piece piece);

  /** The end of a choice's stream. */
  ObjectNode closing(int index, String finishReason);

  /** A whole choice. */
  ObjectNode whole(int index, String text, List<ChoiceText.Placed> tokens, String finishReason);
}
