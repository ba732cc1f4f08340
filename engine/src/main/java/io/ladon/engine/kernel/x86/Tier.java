package io.ladon.engine.kernel.x86;

import io.ladon.engine.kernel.x86.CpuFeatures.Feature;
import java.util.EnumSet;
import java.util.Set;

/** Sets of instructions that code is made for, the quickest first. */
public enum Tier {
  AVX512_VNNI("x86-avx512vnni");

  private final String label;

  Tier(String label) {
    this.label = label;
  }

  /** What users call it. */
  public String label() {
    return label;
  }

  /** What the tier's code is made of. */
  private Set<Feature> needed() {
    return switch (this) {
      case AVX512_VNNI ->
          EnumSet.of(
              Feature.AVX2,
              Feature.FMA,
              Feature.F16C,
              Feature.AVX512F,
              Feature.AVX512BW,
              Feature.AVX512VL,
              Feature.AVX512_VNNI);
    };
  }

  /** Features that are not among {@code present}. */
  Set<Feature> missing(Set<Feature> present) {
    Set<Feature> missing = needed();
    missing.removeAll(present);
    return missing;
  }

  /** The arithmetic for a tile of tokens. */
  TileArithmetic arithmetic(Assembler assembler, Format format, int tokens) {
    return new Avx512Arithmetic(assembler, format, tokens);
  }

  /** Fills the registers that the arithmetic expects filled. */
  void constants(Assembler assembler, Format format) {
    Avx512Arithmetic.constants(assembler, format);
  }
}
