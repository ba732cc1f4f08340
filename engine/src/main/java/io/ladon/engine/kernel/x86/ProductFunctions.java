package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The code of one tier for one type of weights, ready to be called. */
public final class ProductFunctions implements PanelFunction, AutoCloseable {

  /**
   * What there is to choose from, the earlier the better known; no CPU is known for which none of
   * them is good.
   */
  public static final List<FetchDistance> FETCH_DISTANCES =
      List.of(ProductCode.USUAL, ProductCode.WITHIN_PAGE, ProductCode.DEEP, ProductCode.TO_L2);

  private static final int NEVER = Integer.MAX_VALUE;

  private final ExecutableMemory memory;
  private final MemorySegment prepare;
  private final MemorySegment multiply;
  private final int recordBytes;
  private final int valueBytes;
  private final long[] tiles; // (maxTokens + 1) address of the code for so many tokens
  private final long[] sharing; // (maxTokens + 1) of tiles that share the fetching of panels
  private final long[] ofMany; // (tokensOfMany + 1) of the code for many tokens
  private final int fewestOfMany;
  private final int panelsOfMany;
  private final int unpackedBytes;

  private ProductFunctions(ExecutableMemory memory, Offsets offsets, Tier tier, Format format) {
    this.recordBytes = format.recordBytes();
    this.valueBytes = format.valueBytes();
    this.memory = memory;
    this.prepare = memory.function(0);
    this.multiply = memory.function(offsets.multiply);
    this.tiles = addresses(offsets.tiles);
    this.sharing = addresses(offsets.sharing);
    this.ofMany = addresses(offsets.ofMany);
    this.fewestOfMany = ofMany.length > 1 ? tier.fewestOfMany(format) : NEVER;
    this.panelsOfMany = tier.unpacks(format) ? 1 : 2;
    this.unpackedBytes = tier.unpacks(format) ? format.unpackedBytes() : 0;
  }

  /** Where the code is, but for the preparation, which is first. */
  private record Offsets(int multiply, int[] tiles, int[] sharing, int[] ofMany) {}

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
   * @param intel as {@link Tier#tokensOfMany} has it
   * @throws IOException if the system refuses executable memory
   */
  static ProductFunctions assemble(Tier tier, TensorType type, boolean intel) throws IOException {
    Format format = Format.of(type);
    return assemble(tier, format, tier.maxTokens(format, intel), tier.tokensOfMany(format, intel));
  }

  /** The same for one token alone. */
  static ProductFunctions assembleOfOne(Tier tier, TensorType type) throws IOException {
    return assemble(tier, Format.of(type), 1, 0);
  }

  private static ProductFunctions assemble(
      Tier tier, Format format, int maxTokens, int tokensOfMany) throws IOException {
    Assembler a = new Assembler();
    tier.preparation(a, format).emit();
    int multiply = a.align();
    ProductCode product = new ProductCode(a);
    int[] tiles = new int[maxTokens + 1];
    int[] sharing = new int[maxTokens + 1];
    int[] ofMany = new int[tokensOfMany + 1];
    product.emitFunction(tier, format, ofMany.length > 1);
    for (int tokens = 1; tokens < tiles.length; tokens++) {
      tiles[tokens] = a.align();
      product.emitTile(format, tokens, tier.arithmetic(a, format, tokens), false);
      sharing[tokens] = tiles[tokens];
      if (2 * tokens > maxTokens) { // tiles differ by a token at most
        sharing[tokens] = a.align();
        product.emitTile(format, tokens, tier.arithmetic(a, format, tokens), true);
      }
    }
    for (int tokens = 1; tokens < ofMany.length; tokens++) {
      ofMany[tokens] = a.align();
      product.emitTile(
          format, tokens, tier.arithmeticOfMany(a, format, tokens), tier.unpacks(format));
    }
    return new ProductFunctions(
        ExecutableMemory.load(a.toBytes()),
        new Offsets(multiply, tiles, sharing, ofMany),
        tier,
        format);
  }

  /** Tokens of a tile at most. */
  public int maxTokens() {
    return tiles.length - 1;
  }

  /** Tokens from which on the code for many takes panels. */
  public int fewestOfMany() {
    return fewestOfMany;
  }

  /** Tokens of a tile at most in the code for many tokens; 0 if there is none. */
  public int tokensOfMany() {
    return ofMany.length - 1;
  }

  /** Panels that go together in the code for many tokens: 1 or 2. */
  public int panelsOfMany() {
    return panelsOfMany;
  }

  /** Bytes of a block of a panel that the code for many tokens unpacks; 0 if it unpacks none. */
  public int unpackedBytes() {
    return unpackedBytes;
  }

  /** Bytes that a block of a token's activations takes when prepared. */
  public int recordBytes() {
    return recordBytes;
  }

  /** Bytes of an activation before: 1 for int8, 4 for float32. */
  public int valueBytes() {
    return valueBytes;
  }

  /** Address of the code for a tile of tokens, for {@link Parameters#CODE}; 0 if there is none. */
  public long tile(int tokens) {
    return address(tiles, tokens);
  }

  /**
   * The same for one of several tiles, each of which fetches its share of the next panel ({@link
   * Parameters#FETCH_STEP}).
   */
  public long sharingTile(int tokens) {
    return address(sharing, tokens);
  }

  /** The same for many tokens, for {@link Parameters#MANY_CODE}. */
  public long tileOfMany(int tokens) {
    return address(ofMany, tokens);
  }

  private static long address(long[] tiles, int tokens) {
    return tokens < tiles.length ? tiles[tokens] : 0;
  }

  /** Whether the next panel may be fetched while one of so many bytes is multiplied. */
  public static boolean fetchesNextPanel(long panelBytes) {
    return ProductCode.fetchesNext(panelBytes);
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
