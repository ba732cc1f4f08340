package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import java.util.function.Supplier;

/**
 * Sums of AVX2, whose registers are too few for them: those of the leaf at hand are at the top of
 * the stack, (token, 16 rows). A register has 8 rows, one half.
 */
abstract class Avx2Sums implements TileArithmetic {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MAX_TOKENS = 8;

  static final int ROW_BYTES = 64;
  static final int HALF = 32;

  /** For activations and products, for a moment. */
  static final Vector X = ymm(12);

  private static final Vector ROWS = ymm(10);

  final Assembler a;
  final Format format;
  final int tokens;
  private Vector[] sums = {}; // (tokens, halves) in registers; or they are on the stack

  Avx2Sums(Assembler assembler, Format format, int tokens) {
    this.a = assembler;
    this.format = format;
    this.tokens = tokens;
  }

  @Override
  public int panels() {
    return 1;
  }

  @Override
  public int sumsBytes() {
    return ROW_BYTES * tokens;
  }

  /** Where some rows of a token's sum are. */
  static Memory sum(int token, int half) {
    return at(Registers.STACK, ROW_BYTES * token + HALF * half);
  }

  /** A field of the record that a block of a token's activations has become. */
  final Memory record(int token, int offset) {
    return at(Registers.ACTIVATIONS, format.recordBytes() * token + offset);
  }

  /**
   * Makes a token's dots, which are two sums of 16 bits in each lane ({@link Avx2Pairs}), numbers
   * of 32 bits.
   *
   * @param index of the block's dots
   * @param ones of 16 bits
   * @param other a register that is free meanwhile
   */
  final void finishPairs(Vector[] dots, int token, int index, Vector ones, Vector other) {
    if (format.centre() != 0) {
      a.vpbroadcastd(other, record(token, Parameters.correction(index)));
      for (Vector dot : dots) {
        a.vpaddw(dot, dot, other);
      }
    }
    for (Vector dot : dots) {
      a.vpmaddwd(dot, dot, ones);
    }
    if (format.hasOffset()) {
      a.vpbroadcastd(other, record(token, Parameters.OFFSET));
      for (Vector dot : dots) {
        a.vpaddd(dot, dot, other);
      }
    }
  }

  /** Has the sums in registers: of each token those of its halves. */
  final void keepSums(Supplier<Vector> registers) {
    Vector[] kept = new Vector[2 * tokens];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = registers.get();
    }
    sums = kept;
  }

  final boolean keepsSums() {
    return sums.length > 0;
  }

  /** Where a token's sum of a half of the rows is, if sums are in registers. */
  final Vector sumRegister(int token, int half) {
    return sums[2 * token + half];
  }

  @Override
  public void clear() {
    if (keepsSums()) {
      for (Vector sum : sums) {
        a.vpxor(sum, sum, sum);
      }
      return;
    }
    a.vpxor(X, X, X);
    for (int at = 0; at < sumsBytes(); at += HALF) {
      a.vmovups(at(Registers.STACK, at), X);
    }
  }

  @Override
  public void addStack() {
    if (keepsSums()) {
      for (int i = 0; i < sums.length; i++) {
        a.vaddps(sums[i], sums[i], at(Registers.STACK, HALF * i));
      }
      return;
    }
    for (int at = 0; at < sumsBytes(); at += HALF) {
      a.vmovups(X, at(Registers.STACK, at));
      a.vaddps(X, X, at(Registers.STACK, sumsBytes() + at));
      a.vmovups(at(Registers.STACK, at), X);
    }
  }

  @Override
  public void push() {
    for (int i = 0; i < sums.length; i++) {
      a.vmovups(at(Registers.STACK, HALF * i), sums[i]);
    }
    // Those that are in memory are where they belong.
  }

  @Override
  public void write(int token, Gp result, boolean allRows) {
    for (int half = 0; half < 2; half++) {
      a.vmovups(X, sum(token, half));
      if (allRows) {
        a.vmovups(at(result, HALF * half), X);
      } else {
        a.vmovups(ROWS, at(Registers.PARAMETERS, Parameters.ROW_LANES + HALF * half));
        a.vmaskmovps(at(result, HALF * half), ROWS, X);
      }
    }
  }
}
