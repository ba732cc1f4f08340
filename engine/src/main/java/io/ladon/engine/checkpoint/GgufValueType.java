package io.ladon.engine.checkpoint;

import org.jspecify.annotations.Nullable;

/** Types of GGUF metadata values. */
enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 8),
  ARRAY(9, 12),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int number;
  private final int minimumBytes;

  GgufValueType(int number, int minimumBytes) {
    this.number = number;
    this.minimumBytes = minimumBytes;
  }

  /** The number that stands for this type in a file. */
  int number() {
    return number;
  }

  /** Bytes of one value; of a string or an array, the fewest that it can take. */
  int minimumBytes() {
    return minimumBytes;
  }

  /** The type with a number, or null if there is none. */
  static @Nullable GgufValueType of(int number) {
    for (GgufValueType type : values()) {
      if (type.number == number) {
        return type;
      }
    }
    return null;
  }
}
