package io.ladon.coordinator.tokenizer;

import io.ladon.coordinator.tokenizer.PreTokenizer.Trait;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import java.util.List;

/** Makes the tokenizer that a model file describes. */
public final class Tokenizers {

  private static final String PREFIX = "tokenizer.ggml.";

  private Tokenizers() {}

  /**
   * The tokenizer of a model file.
   *
   * @throws CheckpointException naming what is unsupported, missing or inconsistent
   */
  public static Tokenizer of(GgufHeader header) throws CheckpointException {
    return of(TokenizerMetadata.of(header));
  }

  static Tokenizer of(TokenizerMetadata metadata) throws CheckpointException {
    String model = metadata.string(PREFIX + "model", "");
    return switch (model) {
      case "" -> throw new TokenizerException("the model file has no " + PREFIX + "model");
      case "llama" -> sentencePiece(metadata);
      case "gpt2", "whitespace" -> bytePairs(metadata, metadata.string(PREFIX + "pre", ""));
      case "gemma4" -> bytePairs(metadata, "gemma4");
      default -> throw new TokenizerException("unsupported tokenizer model '" + model + "'");
    };
  }

  private static Tokenizer sentencePiece(TokenizerMetadata metadata) throws CheckpointException {
    Vocabulary vocabulary = Vocabulary.read(metadata, true);
    boolean spacePrefix = metadata.bool(PREFIX + "add_space_prefix", true);
    return new GgufTokenizer(
        vocabulary,
        new SentencePieceEncoder(vocabulary, spacePrefix),
        new GgufTokenizer.Options(
            metadata.bool(PREFIX + "add_bos_token", true),
            metadata.bool(PREFIX + "add_eos_token", false),
            spacePrefix,
            false));
  }

  private static Tokenizer bytePairs(TokenizerMetadata metadata, String pre)
      throws CheckpointException {
    PreTokenizer preTokenizer = PreTokenizers.named(pre);
    if (metadata.bool(PREFIX + "normalizer.lowercase", false)
        && preTokenizer.has(Trait.DROP_SPACES)) {
      preTokenizer = preTokenizer.with(Trait.LOWER_CASE);
    }
    Vocabulary vocabulary = Vocabulary.read(metadata, false);
    boolean hasMerges = metadata.has(PREFIX + "merges");
    if (!hasMerges && !pre.equals("kimi-k2")) {
      throw new TokenizerException("the model file has no " + PREFIX + "merges");
    }
    List<String> merges = hasMerges ? metadata.strings(PREFIX + "merges") : List.of();
    boolean addBegin =
        metadata.bool(PREFIX + "add_bos_token", preTokenizer.has(Trait.ADD_BEGIN))
            || preTokenizer.has(Trait.FORCE_BEGIN);
    return new GgufTokenizer(
        vocabulary,
        new BytePairEncoder(vocabulary, preTokenizer, merges),
        new GgufTokenizer.Options(
            addBegin,
            metadata.bool(PREFIX + "add_eos_token", false),
            metadata.bool(PREFIX + "add_space_prefix", false),
            !preTokenizer.has(Trait.RAW_UTF8)));
  }
}
