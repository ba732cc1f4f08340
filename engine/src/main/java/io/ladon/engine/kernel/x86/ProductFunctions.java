package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The code of one tier for one type of weights, ready to be called. */
public final class ProductFunctions implements PanelFunction, AutoCloseable {

  /** What there is to choose from; no CPU is known for which none of them is good. */
  public static final List<FetchDistance> FETCH_DISTANCES =
      List.of(ProductCode.USUAL, ProductCode.WITHIN_PAGE, ProductCode.DEEP);

  private final ExecutableMemory memory;
  private final MemorySegment prepare;
  private final MemorySegment multiply;
  private final int recordBytes;
  private final int valueBytes;
  private final long[] tiles; // (maxTokens + 1) address of the code for so many tokens
  private final long[] pairs; // (pairTokens + 1) the same for pairs of panels

  private ProductFunctions(
      ExecutableMemory memory,
      int multiplyOffset,
      int[] tileOffsets,
      int[] pairOffsets,
      Format format) {
    this.recordBytes = format.recordBytes();
    this.valueBytes = format.valueBytes();
    this.memory = memory;
    this.prepare = memory.function(0);
    this.multiply = memory.function(multiplyOffset);
    this.tiles = addresses(tileOffsets);
    this.pairs = addresses(pairOffsets);
  }

  private long[] addresses(int[] offsets) {
    long[] addresses = new long[offsets.length];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = memory.function(offsets[i]).address();
    }
    return addresses;
  }

  /**
   * Assembles.
   *
   * @throws IOException if the system refuses executable memory
   */
  static ProductFunctions assemble(Tier tier, TensorType type) throws IOException {
    Format format = Format.of(type);
    Assembler a = new Assembler();
    tier.preparation(a, format).emit();
    int multiply = a.align();
    ProductCode product = new ProductCode(a);
    product.emitFunction(() -> tier.constants(a, format), tier.pairTokens(format) > 0);
    int[] tiles = new int[tier.maxTokens(format) + 1];
    int[] pairs = new int[tier.pairTokens(format) + 1];
    for (int tokens = 1; tokens <= tier.maxTokens(format); tokens++) {
      tiles[tokens] = a.align();
      product.emitTile(format, tokens, tier.arithmetic(a, format, tokens, 1));
    }
    for (int tokens = 1; tokens < pairs.length; tokens++) {
      pairs[tokens] = a.align();
      product.emitTile(format, tokens, tier.arithmetic(a, format, tokens, 2));
    }
    return new ProductFunctions(ExecutableMemory.load(a.toBytes()), multiply, tiles, pairs, format);
  }

  /** Tokens of a tile at most. */
  public int maxTokens() {
    return tiles.length - 1;
  }

  /** Tokens of a tile at most if pairs of panels go together; 0 if there is no code for these. */
  public int pairTokens() {
    return pairs.length - 1;
  }

  /** Bytes that a block of a token's activations takes when prepared. */
  public int recordBytes() {
    return recordBytes;
  }

  /** Bytes of an activation before: 1 for int8, 4 for float32. */
  public int valueBytes() {
    return valueBytes;
  }

  /** Address of the code for a tile of tokens, for {@link Parameters#CODE}. */
  public long tile(int tokens) {
    return tiles[tokens];
  }

  /** The same for pairs of panels, for {@link Parameters#PAIR_CODE}; 0 if there is none. */
  public long pair(int tokens) {
    return tokens < pairs.length ? pairs[tokens] : 0;
  }

  /** {@link Parameters#PAIR_AHEAD} for panels of so many bytes. */
  public static long pairAhead(long panelBytes) {
    return ProductCode.pairAhead(panelBytes);
  }

  /** Prepares a tile of tokens; see the parameters of that name. */
  public void prepare(long parameters) {
    ExecutableMemory.call(prepare, parameters);
  }

  /** Multiplies panels with prepared tokens. */
  @Override
  public void multiply(long parameters) {
    ExecutableMemory.call(multiply, parameters);
  }

  @Override
  public void close() {
    memory.close();
  }
}
