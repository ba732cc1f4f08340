package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;

/**
 * Decodes what a tile's header says of scales and minimums, in AVX-512: 16 rows in a register.
 *
 * @param header where the header is
 * @param superScale a register that keeps the scale of the super-block
 * @param superMinimum a register that keeps its negated minimum
 * @param sign holds the sign bit of floats in each lane
 */
record Avx512Scales(
    Assembler a, Format format, Gp header, Vector superScale, Vector superMinimum, Vector sign) {

  /** Reads what the header says of the super-block, and goes on to its first block. */
  void beginTile() {
    if (!format.isSuperBlock()) {
      return;
    }
    a.vcvtph2ps(superScale, at(header, 0));
    if (format.hasMinimum()) {
      a.vcvtph2ps(superMinimum, at(header, 32));
      a.vpxord(superMinimum, superMinimum, sign);
    }
    a.add(header, format.tileHeader());
  }

  /** The block's scale for one of its dots. */
  void scale(Vector to, int dot) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(to, at(header, 0));
      return;
    }
    if (format.dots() == 2) {
      a.vpmovsxbd(to, at(header, 16 * dot));
    } else {
      a.vpmovzxbd(to, at(header, 0));
    }
    a.vcvtdq2ps(to, to);
    a.vmulps(to, to, superScale);
  }

  /** The block's minimum, of a format that has one. */
  void minimum(Vector to) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(to, at(header, 32));
      return;
    }
    a.vpmovzxbd(to, at(header, 16));
    a.vcvtdq2ps(to, to);
    a.vmulps(to, to, superMinimum);
  }
}
