package io.ladon.coordinator.tokenizer;

import io.ladon.engine.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.json.JsonMapper;

/**
 * Two small vocabularies, made for these tests, and the ids that llama.cpp (commit de3ff81) gives
 * for some texts: {@code llama_tokenize} without special tokens added, parsing special tokens in
 * every second text.
 */
record Vectors(List<String> texts, BytePairs bytePairs, SentencePiece sentencePiece) {

  /**
   * A byte-level vocabulary.
   *
   * @param names index in {@code ids} of each pre-tokenizer's name
   * @param ids of each text, for each group of pre-tokenizers that give the same
   */
  record BytePairs(
      List<String> tokens,
      int[] types,
      List<String> merges,
      int begin,
      int end,
      List<List<String>> ids,
      Map<String, Integer> names) {

    MapMetadata metadata(String pre) {
      return new MapMetadata()
          .put("model", "gpt2")
          .put("pre", pre)
          .put("tokens", tokens)
          .put("token_type", types)
          .put("merges", merges)
          .put("bos_token_id", begin)
          .put("eos_token_id", end);
    }
  }

  /** A SentencePiece vocabulary, and the ids with begin-of-text added, and without space prefix. */
  record SentencePiece(
      List<String> tokens,
      int[] types,
      float[] scores,
      List<String> ids,
      List<String> idsWithBegin,
      List<String> idsWithoutPrefix) {

    MapMetadata metadata() {
      return new MapMetadata()
          .put("model", "llama")
          .put("tokens", tokens)
          .put("token_type", types)
          .put("scores", scores);
    }
  }

  static final Vectors INSTANCE = load();

  /** The byte-level vocabulary under a pre-tokenizer. */
  static Tokenizer withBytePairs(String pre) {
    return tokenizer(INSTANCE.bytePairs.metadata(pre));
  }

  static Tokenizer withSentencePiece() {
    return tokenizer(INSTANCE.sentencePiece.metadata());
  }

  static Tokenizer tokenizer(TokenizerMetadata metadata) {
    try {
      return Tokenizers.of(metadata);
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Vectors load() {
    try (InputStream json = Vectors.class.getResourceAsStream("vectors.json")) {
      return JsonMapper.shared()
          .readValue(Objects.requireNonNull(json, "vectors.json"), Vectors.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
