package io.ladon.coordinator.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Decodes the tokens' bytes as one stream of UTF-8. */
final class Utf8Detokenizer implements Detokenizer {

  private final GgufTokenizer tokenizer;
  private final boolean special;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] pending = {}; // the beginning of a character
  private boolean dropSpace;

  Utf8Detokenizer(GgufTokenizer tokenizer, boolean dropSpace, boolean special) {
    this.tokenizer = tokenizer;
    this.dropSpace = dropSpace;
    this.special = special;
  }

  @Override
  public String push(int id) {
    byte[] bytes = tokenizer.tokenBytes(id);
    if (!special && tokenizer.isSpecial(id)) {
      return "";
    }
    int from = dropSpace && bytes.length > 0 && bytes[0] == ' ' ? 1 : 0;
    dropSpace = false;
    ByteBuffer input = ByteBuffer.allocate(pending.length + bytes.length - from);
    input.put(pending).put(bytes, from, bytes.length - from).flip();
    return decode(input, false);
  }

  @Override
  public String flush() {
    return decode(ByteBuffer.wrap(pending), true);
  }

  private String decode(ByteBuffer input, boolean last) {
    CharBuffer output = CharBuffer.allocate(input.remaining() + 1);
    decoder.decode(input, output, last);
    if (last) {
      decoder.flush(output);
      decoder.reset();
    }
    pending = new byte[input.remaining()];
    input.get(pending);
    return output.flip().toString();
  }
}
