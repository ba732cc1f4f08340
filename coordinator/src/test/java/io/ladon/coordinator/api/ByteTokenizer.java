package io.ladon.coordinator.api;

import io.ladon.coordinator.tokenizer.Detokenizer;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ids 0 to 255 are the bytes; then come four control tokens, and a few words that are only ever
 * generated, never encoded.
 */
public final class ByteTokenizer implements Tokenizer {
  public static final int BEGIN = 256;
  public static final int END = 257;
  public static final int IM_START = 258;
  public static final int IM_END = 259;
  public static final int HELLO = 260;
  public static final int WORLD = 261;

  /** Four KiB of text. */
  public static final int BLOCK = 262;

  private static final List<String> NAMES =
      List.of("<s>", "</s>", "<|im_start|>", "<|im_end|>", "Hello", " world", "x".repeat(4096));

  private final boolean addsBegin;

  public ByteTokenizer(boolean addsBegin) {
    this.addsBegin = addsBegin;
  }

  /** The text as bytes. */
  public static int[] bytes(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[utf8.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = utf8[i] & 0xff;
    }
    return ids;
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    List<Integer> ids = new ArrayList<>();
    if (addSpecial && addsBegin) {
      ids.add(BEGIN);
    }
    int at = 0;
    while (at < text.length()) {
      int control = parseSpecial ? controlAt(text, at) : -1;
      if (control >= 0) {
        ids.add(control);
        at += NAMES.get(control - BEGIN).length();
      } else {
        int next = at + Character.charCount(text.codePointAt(at));
        for (int id : bytes(text.substring(at, next))) {
          ids.add(id);
        }
        at = next;
      }
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int controlAt(String text, int at) {
    for (int id = BEGIN; id <= IM_END; id++) {
      if (text.startsWith(NAMES.get(id - BEGIN), at)) {
        return id;
      }
    }
    return -1;
  }

  @Override
  public int vocabularySize() {
    return BEGIN + NAMES.size();
  }

  @Override
  public byte[] tokenBytes(int id) {
    return id < BEGIN
        ? new byte[] {(byte) id}
        : NAMES.get(id - BEGIN).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public boolean isSpecial(int id) {
    return id >= BEGIN && id <= IM_END;
  }

  @Override
  public boolean isEndOfGeneration(int id) {
    return id == END || id == IM_END;
  }

  @Override
  public boolean addsBeginOfText() {
    return addsBegin;
  }

  @Override
  public @Nullable Integer beginOfText() {
    return BEGIN;
  }

  @Override
  public @Nullable Integer endOfText() {
    return END;
  }

  @Override
  public @Nullable Integer idOf(String name) {
    int index = NAMES.indexOf(name);
    return index < 0 ? null : (Integer) (BEGIN + index);
  }

  @Override
  public Detokenizer detokenizer() {
    return detokenizer(false, false);
  }

  @Override
  public Detokenizer detokenizer(boolean startOfText, boolean special) {
    return new Bytes(special);
  }

  /** Holds back until the bytes make whole characters. */
  private final class Bytes implements Detokenizer {
    private final boolean special;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();

    Bytes(boolean special) {
      this.special = special;
    }

    @Override
    public String push(int id) {
      if (isSpecial(id) && !special) {
        return "";
      }
      held.writeBytes(tokenBytes(id));
      String text = held.toString(StandardCharsets.UTF_8);
      if (text.endsWith("\ufffd")) {
        return "";
      }
      held.reset();
      return text;
    }

    @Override
    public String flush() {
      String text = held.toString(StandardCharsets.UTF_8);
      held.reset();
      return text;
    }
  }
}
