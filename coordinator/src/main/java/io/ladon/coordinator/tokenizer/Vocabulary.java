package io.ladon.coordinator.tokenizer;

import io.ladon.engine.checkpoint.CheckpointException;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;

/**
 * The tokens of a model file: their names, kinds and scores, and the special ones among them. Reads
 * the metadata as llama.cpp does ({@code llama_vocab::impl::load}), with one exception: where a
 * file with byte-pair encoding names no begin- or end-of-text token, there is none (llama.cpp takes
 * token 11).
 */
final class Vocabulary {

  // Kinds, as bits; llama.cpp's LLAMA_TOKEN_ATTR_*.
  static final int UNKNOWN = 1;
  static final int UNUSED = 2;
  static final int NORMAL = 4;
  static final int CONTROL = 8;
  static final int USER_DEFINED = 16;
  static final int BYTE = 32;
  static final int STRIP_LEFT = 64; // white space before it goes with it
  static final int STRIP_RIGHT = 128; // white space after it goes with it

  static final int NONE = -1;

  private static final String PREFIX = "tokenizer.ggml.";

  final ByteStrings names;
  final int size;
  final float[] scores; // (size), or empty if the file has none
  final int beginOfText; // or NONE
  final int endOfText; // or NONE
  final int unknown; // or NONE

  private final byte[] kinds; // (size)
  private final BitSet endOfGeneration;

  private Vocabulary(Builder builder) {
    names = builder.names;
    size = builder.size;
    scores = builder.scores;
    kinds = builder.kinds;
    beginOfText = builder.beginOfText;
    endOfText = builder.endOfText;
    unknown = builder.unknown;
    endOfGeneration = builder.endOfGeneration;
  }

  /**
   * Reads the vocabulary.
   *
   * @param sentencePiece whether the tokenizer is SentencePiece's, which has default special tokens
   * @throws CheckpointException naming the key that is missing or inconsistent
   */
  static Vocabulary read(TokenizerMetadata metadata, boolean sentencePiece)
      throws CheckpointException {
    return new Vocabulary(new Builder(metadata, sentencePiece));
  }

  /** The kind of a token: bits of {@link #NORMAL} and its like. */
  int kind(int id) {
    return kinds[id] & 0xFF;
  }

  boolean is(int id, int kind) {
    return (kinds[id] & kind) != 0;
  }

  boolean isEndOfGeneration(int id) {
    return endOfGeneration.get(id);
  }

  /** The id of a token by its name, or {@link #NONE}. */
  int idOf(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    int id = names.find(bytes, 0, bytes.length);
    return id < size ? id : NONE;
  }

  String name(int id) {
    return new String(names.get(id), StandardCharsets.UTF_8);
  }

  /** Reads the metadata; its fields become the vocabulary's. */
  private static final class Builder {
    private final TokenizerMetadata metadata;
    private final ByteStrings names;
    private final int size;
    private final float[] scores;
    private final byte[] kinds;
    private final int beginOfText;
    private final int endOfText;
    private final int unknown;
    private final BitSet endOfGeneration;

    Builder(TokenizerMetadata metadata, boolean sentencePiece) throws CheckpointException {
      this.metadata = metadata;
      if (!metadata.has(PREFIX + "tokens")) {
        throw new TokenizerException("the model file has no " + PREFIX + "tokens");
      }
      List<String> tokens = metadata.strings(PREFIX + "tokens");
      size = tokens.size();
      names = new ByteStrings(size + 256);
      int id = 0;
      for (String token : tokens) {
        String name = token.isEmpty() ? "[EMPTY_" + id + "]" : token;
        names.add(name.getBytes(StandardCharsets.UTF_8));
        id++;
      }
      scores = metadata.has(PREFIX + "scores") ? metadata.floats(PREFIX + "scores") : new float[0];
      if (scores.length > 0 && scores.length < size) {
        throw tooShort("scores", scores.length);
      }
      kinds = readKinds();
      beginOfText = special("bos_token_id", sentencePiece ? 1 : NONE);
      endOfText = special("eos_token_id", sentencePiece ? 2 : NONE);
      unknown = special("unknown_token_id", sentencePiece ? 0 : NONE);
      endOfGeneration = new EndOfGeneration(this).find();
      stripAroundSpecialTokens();
    }

    private CheckpointException tooShort(String key, int length) {
      return new TokenizerException(
          PREFIX + key + " has " + length + " entries for " + size + " tokens");
    }

    private byte[] readKinds() throws CheckpointException {
      byte[] result = new byte[size];
      java.util.Arrays.fill(result, (byte) NORMAL);
      if (!metadata.has(PREFIX + "token_type")) {
        return result;
      }
      int[] types = metadata.ints(PREFIX + "token_type");
      if (types.length < size) {
        throw tooShort("token_type", types.length);
      }
      for (int i = 0; i < size; i++) {
        result[i] =
            (byte)
                switch (types[i]) {
                  case 1 -> NORMAL;
                  case 2 -> UNKNOWN;
                  case 3 -> CONTROL;
                  case 4 -> USER_DEFINED;
                  case 5 -> UNUSED;
                  case 6 -> BYTE;
                  default -> 0;
                };
      }
      return result;
    }

    int special(String key, int fallback) throws CheckpointException {
      long id = metadata.integer(PREFIX + key, fallback);
      if (id >= 0 && id < size) {
        return (int) id;
      }
      return fallback < size ? fallback : NONE;
    }

    int find(String name) {
      byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
      return names.find(bytes, 0, bytes.length);
    }

    /** Some models swallow white space around special tokens, which the file does not say. */
    private void stripAroundSpecialTokens() throws CheckpointException {
      String model = metadata.string("general.name", "").toLowerCase(java.util.Locale.ROOT);
      String pre = metadata.string(PREFIX + "pre", "");
      if (pre.contains("jina-v2-de")
          || pre.contains("jina-v2-es")
          || pre.contains("jina-v2-code")) {
        mark("<mask>", STRIP_LEFT);
      } else if (model.contains("phi-3") || model.contains("phi3")) {
        for (int id = 0; id < size; id++) {
          if ((kinds[id] & (CONTROL | USER_DEFINED | UNKNOWN)) != 0) {
            kinds[id] |= (byte) STRIP_RIGHT;
          }
        }
        mark("</s>", STRIP_RIGHT);
        for (String name : List.of("<unk>", "<s>", "<|endoftext|>")) {
          int id = find(name);
          if (id >= 0) {
            kinds[id] &= (byte) ~STRIP_RIGHT;
          }
        }
      } else if (model.contains("modern-bert")) {
        mark("[MASK]", STRIP_LEFT);
      }
    }

    private void mark(String name, int kind) {
      int id = find(name);
      if (id >= 0) {
        kinds[id] |= (byte) kind;
      }
    }
  }

  /**
   * Which tokens end a generation. Files name few of them, so llama.cpp also goes by their names,
   * and takes those for control tokens.
   */
  private static final class EndOfGeneration {
    private static final List<String> ENDS =
        List.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|flush|>",
            "<|calls|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "</s>",
            "<|eom_id|>",
            "<EOT>",
            "_<EOT>",
            "[EOT]",
            "[EOS]",
            "<|end_of_text|>",
            "<end_of_utterance>",
            "<eos>",
            "<turn|>",
            "<|tool_response>",
            "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
            "[e~[");

    private final Builder vocabulary;
    private final BitSet ends = new BitSet();

    EndOfGeneration(Builder vocabulary) {
      this.vocabulary = vocabulary;
    }

    BitSet find() throws CheckpointException {
      fillInTheMiddle();
      for (String name : ENDS) {
        int id = vocabulary.find(name);
        if (id >= 0) {
          ends.set(id);
          control(id);
        }
      }
      for (String name : List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")) {
        userDefined(vocabulary.find(name)); // gpt-oss: always shown
      }
      add(vocabulary.endOfText);
      add(vocabulary.special("eot_token_id", NONE));
      add(vocabulary.special("eom_token_id", NONE));
      boolean call = ends("<|call|>") || ends("<|calls|>");
      if (ends("<|end|>") && call && (ends("<|return|>") || ends("<|flush|>"))) {
        int end = vocabulary.find("<|end|>"); // closes a message of several in a turn
        ends.clear(end);
        userDefined(end);
      }
      if (ends("<|tool_response>") && ends("</s>")) {
        int end = vocabulary.find("</s>");
        ends.clear(end);
        vocabulary.kinds[end] = NORMAL;
      }
      return ends;
    }

    /** The tokens of fill-in-the-middle; three of them end a generation. */
    private void fillInTheMiddle() throws CheckpointException {
      marker(
          "fim_pre_token_id",
          "prefix_token_id",
          List.of(
              "<|fim_prefix|>",
              "<fim-prefix>",
              "<fim_prefix>",
              "<\uFF5Cfim\u2581begin\uFF5C>",
              "<PRE>",
              "\u2581<PRE>",
              "<|code_prefix|>",
              "<|prefix|>"));
      marker(
          "fim_suf_token_id",
          "suffix_token_id",
          List.of(
              "<|fim_suffix|>",
              "<fim-suffix>",
              "<fim_suffix>",
              "<\uFF5Cfim\u2581hole\uFF5C>",
              "<SUF>",
              "\u2581<SUF>",
              "<|code_suffix|>",
              "<|suffix|>"));
      marker(
          "fim_mid_token_id",
          "middle_token_id",
          List.of(
              "<|fim_middle|>",
              "<fim-middle>",
              "<fim_middle>",
              "<\uFF5Cfim\u2581end\uFF5C>",
              "<MID>",
              "\u2581<MID>",
              "<|code_middle|>",
              "<|middle|>"));
      add(
          marker(
              "fim_pad_token_id",
              "",
              List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]")));
      add(
          marker(
              "fim_rep_token_id",
              "",
              List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>")));
      add(marker("fim_sep_token_id", "", List.of("<|file_sep|>")));
    }

    /**
     * A special token by its key, by its former key, or by the first of these names that exists.
     */
    private int marker(String key, String formerKey, List<String> names)
        throws CheckpointException {
      int id = vocabulary.special(key, NONE);
      if (!formerKey.isEmpty()) {
        id = vocabulary.special(formerKey, id);
      }
      for (int i = 0; id < 0 && i < names.size(); i++) {
        id = vocabulary.find(names.get(i));
        if (id >= 0) {
          control(id);
        }
      }
      return id;
    }

    private void control(int id) {
      vocabulary.kinds[id] |= CONTROL;
    }

    private void userDefined(int id) {
      if (id >= 0) {
        vocabulary.kinds[id] = USER_DEFINED;
      }
    }

    private void add(int id) {
      if (id >= 0) {
        ends.set(id);
      }
    }

    private boolean ends(String name) {
      int id = vocabulary.find(name);
      return id >= 0 && ends.get(id);
    }
  }
}
