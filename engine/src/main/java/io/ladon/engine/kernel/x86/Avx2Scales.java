package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;

/**
 * Decodes what a tile's header says of scales and minimums, in AVX2: 8 rows in a register.
 *
 * @param other a register that is free meanwhile
 */
record Avx2Scales(Assembler a, Format format, Vector other) {

  /** Reads where the super-block's part of the header is, and goes on to its first block. */
  void beginTile() {
    if (format.isSuperBlock()) {
      a.mov(Registers.TILE_HEADER, Registers.HEADER);
      a.add(Registers.HEADER, format.tileHeader());
    }
  }

  /** The block's scale for one of its dots, of a half of the rows. */
  void scale(Vector to, int half, int dot) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(to, at(Registers.HEADER, 16 * half));
      return;
    }
    if (format.dots() == 2) {
      a.vpmovsxbd(to, at(Registers.HEADER, 16 * dot + 8 * half));
    } else {
      a.vpmovzxbd(to, at(Registers.HEADER, 8 * half));
    }
    a.vcvtdq2ps(to, to);
    a.vcvtph2ps(other, at(Registers.TILE_HEADER, 16 * half));
    a.vmulps(to, to, other);
  }

  /** The block's minimum, of a format that has one; in super-blocks it is what is subtracted. */
  void minimum(Vector to, int half) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(to, at(Registers.HEADER, 32 + 16 * half));
      return;
    }
    a.vpmovzxbd(to, at(Registers.HEADER, 16 + 8 * half));
    a.vcvtdq2ps(to, to);
    a.vcvtph2ps(other, at(Registers.TILE_HEADER, 32 + 16 * half));
    a.vmulps(to, to, other);
  }

  /** Adds the product of a minimum and the scaled sum of a token's activations. */
  void addMinimum(Vector to, Vector left, Operand right) {
    if (format.isSuperBlock()) {
      a.vfnmadd231ps(to, left, right);
    } else {
      a.vfmadd231ps(to, left, right);
    }
  }
}
