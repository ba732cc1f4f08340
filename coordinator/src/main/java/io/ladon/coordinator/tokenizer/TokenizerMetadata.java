package io.ladon.coordinator.tokenizer;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import java.util.List;

/**
 * What a tokenizer reads of a model file: its metadata by key. A value of another type than asked
 * for is an error that names the key.
 */
interface TokenizerMetadata {

  /** Whether the key is there. */
  boolean has(String key);

  /** A string, or the fallback if the key is not there. */
  String string(String key, String fallback) throws CheckpointException;

  /** An integer of any width, or the fallback if the key is not there. */
  long integer(String key, long fallback) throws CheckpointException;

  /** A boolean, or the fallback if the key is not there. */
  boolean bool(String key, boolean fallback) throws CheckpointException;

  /** An array of strings; the key must be there. */
  List<String> strings(String key) throws CheckpointException;

  /** An array of numbers as floats; the key must be there. */
  float[] floats(String key) throws CheckpointException;

  /** An array of 32-bit integers; the key must be there. */
  int[] ints(String key) throws CheckpointException;

  /** The metadata of a GGUF file. */
  static TokenizerMetadata of(GgufHeader header) {
    return new TokenizerMetadata() {
      @Override
      public boolean has(String key) {
        return header.has(key);
      }

      @Override
      public String string(String key, String fallback) throws CheckpointException {
        return header.string(key, fallback);
      }

      @Override
      public long integer(String key, long fallback) throws CheckpointException {
        return header.integer(key, fallback);
      }

      @Override
      public boolean bool(String key, boolean fallback) throws CheckpointException {
        return header.bool(key, fallback);
      }

      @Override
      public List<String> strings(String key) throws CheckpointException {
        return header.strings(key);
      }

      @Override
      public float[] floats(String key) throws CheckpointException {
        if (!(header.get(key) instanceof int[] wholeNumbers)) {
          return header.floats(key);
        }
        float[] floats = new float[wholeNumbers.length];
        for (int i = 0; i < floats.length; i++) {
          floats[i] = wholeNumbers[i];
        }
        return floats;
      }

      @Override
      public int[] ints(String key) throws CheckpointException {
        return header.ints(key);
      }
    };
  }
}
