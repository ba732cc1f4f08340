package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.x86.CpuFeatures.Feature;
import java.util.EnumSet;
import java.util.Set;

/** Sets of instructions that code is made for, the quickest first. */
public enum Tier {
  /** Code of its own for many tokens ({@link AmxCode}); for the rest that of AVX-512 VNNI. */
  AMX("x86-amx"),
  AVX512_VNNI("x86-avx512vnni"),
  AVX_VNNI("x86-avxvnni"),
  AVX2("x86-avx2");

  private static final Set<TensorType> READ_SOONER_BY_AVX2 =
      EnumSet.of(TensorType.Q4_0, TensorType.Q4_1, TensorType.Q4_K);

  private final String label;

  Tier(String label) {
    this.label = label;
  }

  /** What users call it. */
  public String label() {
    return label;
  }

  /** Bits of the registers that float32 arithmetic uses. */
  int bits() {
    return isWide() ? 512 : 256;
  }

  /** Whether registers have 512 bits, and there are 32 of them. */
  private boolean isWide() {
    return this == AMX || this == AVX512_VNNI;
  }

  /** Whether dots are sums of 16 bits, two in a lane, if weights have 4 to 6 bits. */
  boolean addsPairs() {
    return this == AVX2;
  }

  /** Whether products of many tokens use tile registers. */
  boolean usesTiles() {
    return this == AMX;
  }

  /**
   * Tokens of a tile at most, where no tile registers are used.
   *
   * @param intel as {@link #tokensOfMany} has it
   */
  int maxTokens(Format format, boolean intel) {
    if (isWide()) {
      return !intel || format.isFloat()
          ? Avx512Sums.MAX_TOKENS
          : Avx512Arithmetic.tallTokens(format);
    }
    if (format.isFloat()) {
      return Avx2Sums.MAX_TOKENS;
    }
    if (this == AVX_VNNI) {
      return AvxVnniArithmetic.maxTokens(format);
    }
    return format.hasNibbles() ? Avx2Pairs.maxTokens(format) : Avx2Bytes.MOST_TOKENS;
  }

  /**
   * The tier whose code takes one token: mostly this one. A Zen 5 reads some types more quickly
   * with AVX2's code, though that has twice the instructions: see docs/PERFORMANCE.md.
   *
   * @param intel whether the CPU is Intel's, where no such thing is known
   */
  Tier ofOneToken(TensorType type, boolean intel) {
    return isWide() && !intel && READ_SOONER_BY_AVX2.contains(type) ? AVX2 : this;
  }

  /** What the tier's code is made of. */
  private Set<Feature> needed() {
    Set<Feature> needed = EnumSet.of(Feature.AVX2, Feature.FMA, Feature.F16C);
    if (this == AVX_VNNI) {
      needed.add(Feature.AVX_VNNI);
    }
    if (isWide()) {
      needed.add(Feature.AVX512F);
      needed.add(Feature.AVX512BW);
      needed.add(Feature.AVX512VL);
      needed.add(Feature.AVX512_VNNI);
    }
    if (usesTiles()) {
      needed.add(Feature.AMX_TILE);
      needed.add(Feature.AMX_BF16);
    }
    return needed;
  }

  /** Features that are not among {@code present}. */
  Set<Feature> missing(Set<Feature> present) {
    Set<Feature> missing = needed();
    missing.removeAll(present);
    return missing;
  }

  /** The function that prepares activations as the arithmetic expects them. */
  PrepareCode preparation(Assembler assembler, Format format) {
    return new PrepareCode(assembler, format, addsPairs());
  }

  /** Whether panels are unpacked if tokens are many. */
  boolean unpacks(Format format) {
    return this == AVX2 && format.hasNibbles();
  }

  /**
   * Tokens of a tile at most in the code for many tokens, in which pairs of panels go together, or
   * panels are unpacked; 0 if there is none.
   *
   * @param intel whether the CPU is Intel's, on which registers of 512 bits better take more tokens
   *     of one panel than pair panels ({@link Avx512Arithmetic})
   */
  int tokensOfMany(Format format, boolean intel) {
    if (isWide()) {
      return intel ? 0 : Avx512Arithmetic.pairTokens(format);
    }
    return unpacks(format) ? Avx2Unpacked.MOST_TOKENS : 0;
  }

  /**
   * Tokens from which on the code for many takes panels. The products of fewer are done about when
   * their weights have come from memory, which is quicker one panel at a time, and cost less than
   * unpacking would, unless there are bits above the nibbles.
   */
  int fewestOfMany(Format format) {
    return unpacks(format) && format.highPlanes() > 0 ? 8 : 17;
  }

  /** The arithmetic for a tile of up to {@link #tokensOfMany} tokens. */
  TileArithmetic arithmeticOfMany(Assembler assembler, Format format, int tokens) {
    return unpacks(format)
        ? new Avx2Unpacked(assembler, format, tokens)
        : new Avx512Arithmetic(assembler, format, tokens, 2);
  }

  /** The arithmetic for a tile of up to {@link #maxTokens} tokens. */
  TileArithmetic arithmetic(Assembler assembler, Format format, int tokens) {
    return switch (this) {
      case AMX, AVX512_VNNI ->
          format.isFloat()
              ? new Avx512Floats(assembler, format, tokens)
              : new Avx512Arithmetic(assembler, format, tokens, 1);
      case AVX_VNNI, AVX2 -> {
        if (format.isFloat()) {
          yield new Avx2Floats(assembler, format, tokens);
        }
        if (this == AVX_VNNI) {
          yield new AvxVnniArithmetic(assembler, format, tokens);
        }
        yield format.hasNibbles()
            ? new Avx2Pairs(assembler, format, tokens)
            : new Avx2Bytes(assembler, format, tokens);
      }
    };
  }

  /** Fills the registers that the arithmetic expects filled. */
  void constants(Assembler assembler, Format format) {
    switch (this) {
      case AMX, AVX512_VNNI -> Avx512Arithmetic.constants(assembler, format);
      case AVX_VNNI, AVX2 -> Avx2Arithmetic.constants(assembler, format);
    }
  }
}
