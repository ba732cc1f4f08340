package io.ladon.engine.checkpoint;

/**
 * How a checkpoint encodes a tensor's elements. Names, numbers and block layouts are those of GGML
 * (see {@code ggml.h} and {@code ggml-common.h} of llama.cpp).
 */
public enum TensorType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210),
  BF16(30, 1, 2);

  private final int ggmlId;
  private final int blockElements;
  private final int blockBytes;

  TensorType(int ggmlId, int blockElements, int blockBytes) {
    this.ggmlId = ggmlId;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** The number that stands for this type in a GGUF file. */
  public int ggmlId() {
    return ggmlId;
  }

  /** Elements in one block; a row holds a whole number of blocks. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one encoded block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Whether elements are floats of 16 or 32 bits, so that activations stay float32 in a product.
   */
  public boolean isFloat() {
    return blockElements == 1;
  }

  /** Bytes of {@code elements} encoded elements, a whole number of blocks. */
  public long bytesFor(long elements) {
    if (elements % blockElements != 0) {
      throw new IllegalArgumentException(
          elements + " elements are no whole number of " + this + " blocks of " + blockElements);
    }
    return elements / blockElements * blockBytes;
  }
}
