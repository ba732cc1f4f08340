package io.ladon.coordinator.tokenizer;

import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.ADD_BEGIN;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.DROP_SPACES;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.ESCAPE_SPACES;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.FORCE_BEGIN;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.IGNORE_MERGES;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.RAW_UTF8;
import static io.ladon.coordinator.tokenizer.PreTokenizer.Trait.WHOLE_LINE_FEEDS;

import java.util.List;
import java.util.Set;

/**
 * The pre-tokenizers that the metadata key {@code tokenizer.ggml.pre} names, as llama.cpp defines
 * them ({@code src/llama-vocab.cpp}; some differ from the model's own definition, and a model file
 * is meant for llama.cpp's).
 */
final class PreTokenizers {

  private static final String CONTRACTIONS =
      "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
  private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String ASCII_PUNCTUATION_WORD =
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+";
  private static final String HAN_AND_KANA = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
  private static final String DEEPSEEK_WORDS =
      ASCII_PUNCTUATION_WORD
          + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*";
  private static final String FINNISH =
      " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";

  // Letters but a-z, and letters but A-Z: what llama.cpp takes for upper and lower case.
  private static final String NOT_LOWER = "A-Z" + SplitText.LETTER;
  private static final String NOT_UPPER = "a-z" + SplitText.LETTER;

  private PreTokenizers() {}

  /**
   * The pre-tokenizer of a name.
   *
   * @throws TokenizerException naming it, if there is none of this name
   */
  static PreTokenizer named(String name) throws TokenizerException {
    return switch (name) {
      case "", "default" -> fallback();
      case "gpt-2",
          "phi-2",
          "jina-es",
          "jina-de",
          "gigachat",
          "jina-v2-es",
          "jina-v2-de",
          "a.x-4.0",
          "mellum",
          "modern-bert",
          "jina-v1-en",
          "jina-v2-code",
          "roberta-bpe",
          "mpt",
          "olmo",
          "jais",
          "exaone4",
          "trillion",
          "granite-docling" ->
          of(WordScans.gpt2());
      case "starcoder",
          "refact",
          "command-r",
          "smollm",
          "codeshell",
          "exaone",
          "minerva-7b",
          "mellum2" ->
          of(RegexStep.collapsed("\\p{N}"), WordScans.gpt2());
      case "llama3",
          "llama-v3",
          "llama-bpe",
          "falcon3",
          "falcon-h1",
          "pixtral",
          "midm-2.0",
          "lfm2",
          "jina-v5-nano" ->
          of(WordScans.words(3, false)).with(IGNORE_MERGES, ADD_BEGIN);
      case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4" -> of(WordScans.words(3, false));
      case "stablelm2",
          "qwen2",
          "deepseek-r1-qwen",
          "kormo",
          "f2llmv2",
          "megrez",
          "hunyuan",
          "solar-open",
          "grok-2" ->
          of(WordScans.words(1, false));
      case "qwen35" -> of(WordScans.words(1, true));
      case "laguna" -> of(WordScans.lines(), WordScans.words(1, false));
      case "kimi-k2" -> of(WordScans.kimi());
      case "poro-chat", "bloom", "gpt3-finnish" -> of(RegexStep.plain(FINNISH));
      case "viking" -> of(RegexStep.plain(FINNISH), RegexStep.collapsed("\\p{N}"));
      case "superbpe" -> of(RegexStep.collapsed("\\p{N}+"), WordScans.beforeThreeDigits());
      case "gemma4", "granite-embed-multi-311m" ->
          of(WordScans.lines()).with(RAW_UTF8, ESCAPE_SPACES, WHOLE_LINE_FEEDS, FORCE_BEGIN);
      case "sarvam-moe" -> of(WordScans.lines()).with(RAW_UTF8, ESCAPE_SPACES);
      case "whitespace" -> of(RegexStep.plain("\\S+")).with(RAW_UTF8, DROP_SPACES);
      default -> deepseekKind(name);
    };
  }

  private static PreTokenizer deepseekKind(String name) throws TokenizerException {
    return switch (name) {
      case "deepseek-llm" ->
          of(
              RegexStep.plain("[\r\n]"),
              RegexStep.plain("\\s?[" + CasedLetters.RANGES + SplitText.CASED_SUPPLEMENTARY + "]+"),
              RegexStep.plain("\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+"),
              RegexStep.plain("\\s+\\z"),
              RegexStep.plain("[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"),
              RegexStep.collapsed("\\p{N}+"));
      case "deepseek-coder" ->
          of(
              RegexStep.plain("[\r\n]"),
              RegexStep.collapsed("\\s?\\p{L}+"),
              RegexStep.collapsed("\\s?\\p{P}+"),
              RegexStep.plain("[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"),
              RegexStep.collapsed("\\p{N}"));
      case "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4" ->
          of(
              RegexStep.collapsed("\\p{N}{1,3}"),
              RegexStep.plain(HAN_AND_KANA),
              RegexStep.collapsed(DEEPSEEK_WORDS + SPACES));
      case "spark2_5" ->
          of(
              RegexStep.collapsed("\\p{N}{1,3}"),
              RegexStep.plain(HAN_AND_KANA),
              RegexStep.collapsed(
                  ASCII_PUNCTUATION_WORD
                      + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
                      + "|[\\r\\n]|\\s+(?!\\S)|\\s+"),
              RegexStep.collapsed("\\p{N}"));
      case "afmoe" ->
          of(
              WordScans.digitsInThrees(),
              RegexStep.plain(
                  "[\u4E00-\u9FFF\u3400-\u4DBF\u8C48-\uFAFF\u3040-\u309F\u30A0-\u30FF\uFF65-\uFF9F\u2F00-\u2FDF\u0E40-\u0E7F\u0E80-\u0EFF"
                      + "\u1780-\u17FF\u1000-\u109F\uAA60-\uAA7F\uA9E0-\uA9FF\uAC00-\uD7AF\u1100-\u11FF]+"),
              RegexStep.collapsed(DEEPSEEK_WORDS + SPACES));
      default -> casedKind(name);
    };
  }

  private static PreTokenizer casedKind(String name) throws TokenizerException {
    return switch (name) {
      case "youtu" ->
          of(
                  RegexStep.plain(
                      "[\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F\uFE30-\uFE4F]+|[\u3105-\u312F]+|"
                          + HAN_AND_KANA),
                  RegexStep.collapsed(
                      cased("\\p{L}\\p{M}", "\\p{L}\\p{M}", CONTRACTIONS + "?")
                          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                          + SPACES))
              .with(IGNORE_MERGES);
      case "tiny_aya", "cohere2moe" ->
          of(
              WordScans.digitsInThrees(),
              RegexStep.collapsed(
                  cased("\\p{L}\\p{M}", "\\p{L}\\p{M}", CONTRACTIONS + "?")
                      + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                      + SPACES));
      case "tekken" ->
          of(RegexStep.collapsed(
                  cased(NOT_LOWER, NOT_UPPER, "")
                      + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                      + SPACES))
              .with(IGNORE_MERGES, ADD_BEGIN);
      case "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2" ->
          of(
              RegexStep.collapsed(
                  cased(NOT_LOWER, NOT_UPPER, CONTRACTIONS + "?")
                      + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                      + SPACES));
      case "granite-embed-multi-97m" ->
          of(RegexStep.collapsed(
                  cased(NOT_LOWER + "\\p{M}", NOT_UPPER + "\\p{M}", CONTRACTIONS + "?")
                      + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                      + SPACES))
              .with(IGNORE_MERGES);
      default -> otherKind(name);
    };
  }

  private static PreTokenizer otherKind(String name) throws TokenizerException {
    String word = "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    return switch (name) {
      case "jais-2" -> of(RegexStep.collapsed(CONTRACTIONS + word + jaisTail()));
      case "falcon" ->
          of(
              RegexStep.collapsed("[\\p{P}\\$\\+<=>\\^~\\|`]+"),
              WordScans.gpt2(),
              RegexStep.plain("[0-9][0-9][0-9]"));
      case "chameleon" ->
          of(
                  RegexStep.plain("<sentinel:[0-9]+>"),
                  RegexStep.plain("IMGIMG[A-I]{1,4}Z"),
                  RegexStep.plain("[\\t\\n]|    |  "),
                  RegexStep.collapsed("\\p{N}"),
                  RegexStep.collapsed("[\\p{P}!-/:-@\\[-`{-~]"),
                  WordScans.gpt2())
              .with(ADD_BEGIN);
      case "bailingmoe", "bailingmoe2", "llada-moe" ->
          of(
              RegexStep.collapsed(
                  "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])"
                      + word
                      + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"));
      case "seed-coder" ->
          of(
              RegexStep.collapsed(
                  CONTRACTIONS + word + "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" + SPACES));
      case "ufakzeka" ->
          of(
              RegexStep.collapsed(
                  word.substring(1) + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" + SPACES));
      case "minicpm5" ->
          of(
                  RegexStep.collapsed("\\p{N}{1,3}"),
                  RegexStep.collapsed(
                      CONTRACTIONS + word + "|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" + SPACES))
              .with(IGNORE_MERGES);
      case "exaone-moe" -> of(exaoneMoe());
      default -> throw new TokenizerException("unknown pre-tokenizer '" + name + "'");
    };
  }

  /** llama.cpp's way if a file names no pre-tokenizer. */
  private static PreTokenizer fallback() {
    return of(
        RegexStep.collapsed("[\\p{P}\\$\\+<=>\\^~\\|]+"),
        WordScans.gpt2(),
        RegexStep.collapsed("\\p{N}+"),
        RegexStep.plain("[0-9][0-9][0-9]"));
  }

  /** Words that begin in upper case or none and go on in lower case, either part being optional. */
  private static String cased(String upper, String lower, String suffix) {
    String lead = "[^\\r\\n\\p{L}\\p{N}]?";
    return lead + "[" + upper + "]*[" + lower + "]+" + suffix + "|" + lead + "[" + upper + "]+["
        + lower + "]*" + suffix;
  }

  private static String jaisTail() {
    StringBuilder tail =
        new StringBuilder("|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+");
    for (int length = 512; length >= 4; length /= 2) {
      tail.append("|\\s{").append(length).append("}(?!\\S)");
    }
    return tail.append("|\\s{1,2}(?!\\S)|\\s{1}").toString();
  }

  /**
   * A word may go on over single spaces, as {@code (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+}: a letter,
   * then letters, marks, and spaces that a letter follows.
   */
  private static SplitStep exaoneMoe() {
    char joint = SplitText.SPACE_BEFORE_LETTER;
    String space = "[\\s" + joint + "]";
    return RegexStep.joiningSpaces(
        CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}[\\p{L}\\p{M}"
            + joint
            + "]*"
            + "|\\p{N}| ?[^\\s"
            + joint
            + "\\p{L}\\p{N}]+[\\r\\n/]?"
            + "|"
            + space
            + "*[\\r\\n]"
            + "|"
            + space
            + "+(?![^\\s"
            + joint
            + "])"
            + "|"
            + space
            + "+");
  }

  private static PreTokenizer of(SplitStep... steps) {
    return new PreTokenizer(List.of(steps), Set.of());
  }
}
