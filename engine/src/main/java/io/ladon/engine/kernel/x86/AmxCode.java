package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The code of AMX for all types of quantised weights. */
final class AmxCode implements AutoCloseable {

  /** There is code for tiles of every so many tokens. */
  static final int TOKENS_STEP = 2;

  private static final int LENGTHS = AmxParameters.MAX_TOKENS / TOKENS_STEP + 1;

  /** Where the code of a type is. */
  private record Place(int prepare, int multiply, int table, int[] tiles) {}

  private final ExecutableMemory memory;
  private final Map<TensorType, AmxFunctions> functions = new EnumMap<>(TensorType.class);

  private AmxCode(ExecutableMemory memory, Map<TensorType, Place> places) {
    this.memory = memory;
    for (Map.Entry<TensorType, Place> of : places.entrySet()) {
      Place place = of.getValue();
      long[] tiles = new long[LENGTHS];
      for (int i = 0; i < LENGTHS; i++) {
        tiles[i] = memory.function(place.tiles()[i]).address();
      }
      functions.put(
          of.getKey(),
          new AmxFunctions(
              of.getKey(),
              memory.function(place.prepare()),
              memory.function(place.multiply()),
              tiles,
              memory.function(place.table())));
    }
  }

  /**
   * Assembles.
   *
   * @throws IOException if the system refuses executable memory
   */
  static AmxCode assemble() throws IOException {
    Assembler a = new Assembler();
    Map<Boolean, Integer> prepare = new HashMap<>();
    for (boolean hasMinimum : new boolean[] {false, true}) {
      prepare.put(hasMinimum, a.align());
      new AmxPrepareCode(a, hasMinimum).emit();
    }
    Map<Integer, int[]> tiles = new HashMap<>(); // by dots, which a minimum makes negative
    Map<TensorType, Place> places = new EnumMap<>(TensorType.class);
    for (TensorType type : TensorType.values()) {
      if (type.isFloat()) {
        continue;
      }
      Format format = Format.of(type);
      int kind = format.hasMinimum() ? -format.dots() : format.dots();
      int[] ofKind = tiles.computeIfAbsent(kind, each -> emitTiles(a, format));
      AmxUnpackCode unpack = new AmxUnpackCode(a, format);
      int table = a.align();
      unpack.emitTable();
      int multiply = a.align();
      new AmxPanelCode(a, format, unpack).emit();
      int preparation = Objects.requireNonNull(prepare.get(format.hasMinimum()));
      places.put(type, new Place(preparation, multiply, table, ofKind));
    }
    return new AmxCode(ExecutableMemory.load(a.toBytes()), places);
  }

  private static int[] emitTiles(Assembler a, Format format) {
    int[] offsets = new int[LENGTHS];
    for (int length = 1; length < LENGTHS; length++) {
      offsets[length] = a.align();
      new AmxTileCode(a, format, length * TOKENS_STEP).emit();
    }
    return offsets;
  }

  /** The product of a type of weights; null if they are floats. */
  @Nullable AmxFunctions product(TensorType type) {
    return functions.get(type);
  }

  @Override
  public void close() {
    memory.close();
  }
}
