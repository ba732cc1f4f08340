package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.x86.CpuFeatures.Feature;
import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All the code of one tier. */
public final class MachineCode implements AutoCloseable {

  /** Functions of vectors; their arguments are those of {@link FloatCode}'s methods. */
  public enum Function {
    /** Quantises blocks; see the parameters of that name. */
    QUANTIZE,
    SUM_BLOCKS,
    ADD,
    SCALE,
    NORM,
    SILU,
    GELU_TANH,
    ROTATE_NEIGHBOURS,
    ROTATE_HALVES,
    MAX,
    SUM_EXP,
    /** Reads (units of {@link #READ_UNIT} bytes, address). */
    READ,
    /** The same, but takes them out of all caches; does nothing where the CPU cannot. */
    EVICT
  }

  /** Bytes that are read at once. */
  public static final int READ_UNIT = MemoryReader.ROUND_BYTES;

  private final Tier tier;
  private final Arena arena = Arena.ofShared();
  private final ConstantTable constants;
  private final Map<TensorType, ProductFunctions> products = new EnumMap<>(TensorType.class);
  private final Map<TensorType, ProductFunctions> productsOfOne = new EnumMap<>(TensorType.class);
  private final List<AttentionFunctions> attention = new ArrayList<>();
  private final Map<Function, MemorySegment> functions = new EnumMap<>(Function.class);
  private final ExecutableMemory memory;

  private @Nullable AmxCode tiles;

  private MachineCode(Tier tier, ToDoubleFunction<Constant> constants) throws IOException {
    this.tier = tier;
    this.constants = new ConstantTable(arena, constants);
    Assembler a = new Assembler();
    Map<Function, Integer> begins = new EnumMap<>(Function.class);
    Set<Feature> features = CpuFeatures.detect().present();
    for (Function function : Function.values()) {
      begins.put(function, a.align());
      emit(a, function, features);
    }
    memory = ExecutableMemory.load(a.toBytes());
    begins.forEach((function, begin) -> functions.put(function, memory.function(begin)));
  }

  private void emit(Assembler a, Function function, Set<Feature> features) {
    Lanes lanes = new Lanes(a, tier.bits());
    FloatCode code = new FloatCode(lanes, constants);
    switch (function) {
      case QUANTIZE -> new QuantizeCode(lanes, constants).emit();
      case SUM_BLOCKS -> code.sumBlocks();
      case ADD -> code.add();
      case SCALE -> code.scale();
      case NORM -> code.norm();
      case SILU -> code.silu();
      case GELU_TANH -> code.geluTanh();
      case ROTATE_NEIGHBOURS -> code.rotateNeighbours();
      case ROTATE_HALVES -> code.rotateHalves();
      case MAX -> code.max();
      case SUM_EXP -> code.sumExp();
      case READ -> CodeLoop.emit(a, round -> MemoryReader.emitRound(round, FetchDistance.NONE));
      case EVICT -> {
        if (features.contains(Feature.CLFLUSHOPT)) {
          CodeLoop.emit(a, MachineCode::emitEviction, Assembler::mfence);
        } else {
          a.ret();
        }
      }
    }
  }

  private static void emitEviction(Assembler a) {
    for (int line = 0; line < READ_UNIT; line += 64) {
      a.clflushopt(Memory.at(CodeLoop.ADDRESS, line));
    }
    a.add(CodeLoop.ADDRESS, READ_UNIT);
  }

  /**
   * What keeps a tier from running here; empty for nothing.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static String obstacle(Tier tier) throws IOException {
    String obstacle = systemObstacle();
    if (!obstacle.isEmpty()) {
      return obstacle;
    }
    Set<Feature> missing = tier.missing(CpuFeatures.detect().present());
    if (missing.isEmpty()) {
      return tier.usesTiles() ? TilePermission.refusal() : "";
    }
    return "the CPU or the system lacks "
        + missing.stream()
            .map(feature -> feature.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
  }

  /** What keeps machine code of any tier from running on this system; empty for nothing. */
  static String systemObstacle() {
    String system = System.getProperty("os.name", "");
    String processor = System.getProperty("os.arch", "");
    return system.equals("Linux") && (processor.equals("amd64") || processor.equals("x86_64"))
        ? ""
        : "machine code is for Linux on x86-64, not for " + system + " on " + processor;
  }

  /**
   * Assembles a tier as this CPU likes it best.
   *
   * @param constants float32 numbers
   * @throws IOException if the system refuses executable memory
   */
  public static MachineCode assemble(Tier tier, ToDoubleFunction<Constant> constants)
      throws IOException {
    return assemble(tier, constants, CpuFeatures.detect().isIntel());
  }

  /**
   * Assembles a tier.
   *
   * @param intel whether as Intel's CPUs like it or as others do: what {@link Tier} says of it
   */
  public static MachineCode assemble(Tier tier, ToDoubleFunction<Constant> constants, boolean intel)
      throws IOException {
    MachineCode code = new MachineCode(tier, constants);
    try {
      for (TensorType type : TensorType.values()) {
        code.products.put(type, ProductFunctions.assemble(tier, type, intel));
        Tier ofOne = tier.ofOneToken(type, intel);
        if (ofOne != tier) {
          code.productsOfOne.put(type, ProductFunctions.assembleOfOne(ofOne, type));
        }
      }
      if (tier.usesTiles()) {
        code.tiles = AmxCode.assemble();
      }
      return code;
    } catch (IOException e) {
      code.close();
      throw e;
    }
  }

  public Tier tier() {
    return tier;
  }

  /** The product of a type of weights with so many tokens. */
  public ProductFunctions product(TensorType type, int tokens) {
    ProductFunctions ofOne = tokens == 1 ? productsOfOne.get(type) : null;
    return ofOne == null ? Objects.requireNonNull(products.get(type)) : ofOne;
  }

  /** The product of a type of weights with many tokens, if the tier has other code for these. */
  public @Nullable AmxFunctions productOfMany(TensorType type) {
    return tiles == null ? null : tiles.product(type);
  }

  /**
   * Attention over keys and values of some layout; assembled when first asked for.
   *
   * @throws IOException if the system refuses executable memory
   */
  public synchronized AttentionFunctions attention(AttentionLayout layout) throws IOException {
    for (AttentionFunctions known : attention) {
      if (known.layout().equals(layout)) {
        return known;
      }
    }
    AttentionFunctions functions = new AttentionFunctions(tier, constants, layout);
    attention.add(functions);
    return functions;
  }

  /** Two counts in one argument, neither of them negative. */
  public static long pair(int low, int high) {
    return (long) high << Integer.SIZE | low;
  }

  /** Calls a function of vectors. */
  public long call(Function function, long a, long b, long c, long d, long e, long f) {
    return ExecutableMemory.call(address(function), a, b, c, d, e, f);
  }

  private MemorySegment address(Function function) {
    return Objects.requireNonNull(functions.get(function));
  }

  @Override
  public synchronized void close() {
    memory.close();
    products.values().forEach(ProductFunctions::close);
    products.clear();
    productsOfOne.values().forEach(ProductFunctions::close);
    productsOfOne.clear();
    if (tiles != null) {
      tiles.close();
    }
    attention.forEach(AttentionFunctions::close);
    attention.clear();
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
