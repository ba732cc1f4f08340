package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** The code of one tier for one type of weights, ready to be called. */
public final class ProductFunctions implements AutoCloseable {

  /** Tokens of a tile at most. */
  public static final int MAX_TOKENS = 8;

  private final ExecutableMemory memory;
  private final MemorySegment prepare;
  private final MemorySegment multiply;
  private final long[] tiles; // (MAX_TOKENS + 1) address of the code for so many tokens

  private ProductFunctions(ExecutableMemory memory, int multiplyOffset, int[] tileOffsets) {
    this.memory = memory;
    this.prepare = memory.function(0);
    this.multiply = memory.function(multiplyOffset);
    this.tiles = new long[tileOffsets.length];
    for (int i = 0; i < tiles.length; i++) {
      tiles[i] = memory.function(tileOffsets[i]).address();
    }
  }

  /**
   * Assembles.
   *
   * @throws IOException if the system refuses executable memory
   */
  static ProductFunctions assemble(Tier tier, TensorType type) throws IOException {
    Format format = Format.of(type);
    Assembler a = new Assembler();
    new PrepareCode(a, format).emit();
    int multiply = a.align();
    ProductCode product = new ProductCode(a);
    product.emitFunction(() -> tier.constants(a, format));
    int[] tiles = new int[MAX_TOKENS + 1];
    for (int tokens = 1; tokens <= MAX_TOKENS; tokens++) {
      tiles[tokens] = a.align();
      product.emitTile(format, tokens, tier.arithmetic(a, format, tokens));
    }
    return new ProductFunctions(ExecutableMemory.load(a.toBytes()), multiply, tiles);
  }

  /** Address of the code for a tile of tokens, for {@link Parameters#CODE}. */
  public long tile(int tokens) {
    return tiles[tokens];
  }

  /** Prepares a tile of tokens; see the parameters of that name. */
  public void prepare(long parameters) {
    ExecutableMemory.call(prepare, parameters);
  }

  /** Multiplies panels with prepared tokens. */
  public void multiply(long parameters) {
    ExecutableMemory.call(multiply, parameters);
  }

  @Override
  public void close() {
    memory.close();
  }
}
