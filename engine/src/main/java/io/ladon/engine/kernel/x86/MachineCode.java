package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.x86.CpuFeatures.Feature;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** All the code of one tier. */
public final class MachineCode implements AutoCloseable {

  private final Tier tier;
  private final Map<TensorType, ProductFunctions> products;
  private final ExecutableMemory quantization;
  private final MemorySegment quantize;

  private MachineCode(
      Tier tier, Map<TensorType, ProductFunctions> products, ExecutableMemory quantization) {
    this.tier = tier;
    this.products = products;
    this.quantization = quantization;
    this.quantize = quantization.function(0);
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
    Set<Feature> missing = tier.missing(CpuFeatures.detect());
    return missing.isEmpty()
        ? ""
        : "the CPU or the system lacks "
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
   * Assembles a tier.
   *
   * @param rounder what is added to a float, and subtracted as bits, to round it to a whole number
   * @throws IOException if the system refuses executable memory
   */
  public static MachineCode assemble(Tier tier, float rounder) throws IOException {
    Map<TensorType, ProductFunctions> products = new EnumMap<>(TensorType.class);
    Assembler a = new Assembler();
    new QuantizeCode(a).emit(rounder);
    MachineCode code = new MachineCode(tier, products, ExecutableMemory.load(a.toBytes()));
    try {
      for (TensorType type : TensorType.values()) {
        if (!type.isFloat()) {
          products.put(type, ProductFunctions.assemble(tier, type));
        }
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

  /** The product of a quantised type. */
  public ProductFunctions product(TensorType type) {
    ProductFunctions functions = products.get(type);
    if (functions == null) {
      throw new IllegalArgumentException("no machine code for " + type);
    }
    return functions;
  }

  /** Quantises blocks; see the parameters of that name. */
  public void quantize(long parameters) {
    ExecutableMemory.call(quantize, parameters);
  }

  @Override
  public void close() {
    quantization.close();
    products.values().forEach(ProductFunctions::close);
    products.clear();
  }
}
