package io.ladon.engine.synth;

import io.ladon.engine.checkpoint.GgufWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * Tokenizer metadata of a synthetic model: byte-level BPE as in GPT-2, with three special tokens, a
 * token for every byte, a few merges, and filler tokens up to the model's vocabulary.
 */
final class SyntheticTokenizer {

  private static final List<String> SPECIAL =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
  private static final int END_OF_TEXT = 0;
  private static final int BEGIN = 1;
  private static final int END_OF_TURN = 2;

  private static final int NORMAL = 1;
  private static final int CONTROL = 3;

  private static final List<String> MERGES =
      List.of(
          "Ġ t", "h e", "i n", "r e", "o n", "Ġ a", "Ġt he", "e r", "Ġ s", "o u", "Ġ w", "a t",
          "e s", "i t", "in g", "Ġ o", "o r", "Ġ b", "Ġ i", "a n", "l l", "Ġa n", "Ġan d", "i s");

  /** ChatML. */
  private static final String CHAT_TEMPLATE =
      """
      {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] \
      + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}\
      {{ '<|im_start|>assistant\\n' }}{% endif %}""";

  private SyntheticTokenizer() {}

  /** Fewest tokens that a vocabulary can have. */
  static int minimumVocabulary() {
    return known().size();
  }

  static void addTo(GgufWriter writer, int vocabulary) {
    List<String> tokens = new ArrayList<>(known());
    for (int i = 0; tokens.size() < vocabulary; i++) {
      tokens.add("<|filler_" + i + "|>");
    }
    int[] types = new int[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      types[i] = i < SPECIAL.size() ? CONTROL : NORMAL;
    }
    writer
        .putString("tokenizer.ggml.model", "gpt2")
        .putString("tokenizer.ggml.pre", "gpt-2")
        .putStrings("tokenizer.ggml.tokens", tokens)
        .putInts("tokenizer.ggml.token_type", types)
        .putStrings("tokenizer.ggml.merges", MERGES)
        .putInt("tokenizer.ggml.bos_token_id", BEGIN)
        .putInt("tokenizer.ggml.eos_token_id", END_OF_TURN)
        .putInt("tokenizer.ggml.padding_token_id", END_OF_TEXT)
        .putBool("tokenizer.ggml.add_bos_token", false)
        .putString("tokenizer.chat_template", CHAT_TEMPLATE);
  }

  private static SequencedSet<String> known() {
    SequencedSet<String> tokens = new LinkedHashSet<>(SPECIAL);
    for (int b = 0; b < 256; b++) {
      tokens.add(String.valueOf(symbol(b)));
    }
    for (String merge : MERGES) {
      tokens.add(merge.replace(" ", ""));
    }
    return tokens;
  }

  /**
   * The character that stands for a byte in a byte-level vocabulary: itself where it is visible,
   * else the next free one from U+0100 on.
   */
  private static char symbol(int b) {
    if (visible(b)) {
      return (char) b;
    }
    int hidden = 0;
    for (int before = 0; before < b; before++) {
      if (!visible(before)) {
        hidden++;
      }
    }
    return (char) (256 + hidden);
  }

  private static boolean visible(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  }
}
