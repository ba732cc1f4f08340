package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS_BITS;
import static io.ladon.engine.kernel.x86.AttentionParameters.ROWS;
import static io.ladon.engine.kernel.x86.Memory.at;

/** Emits what finds {@link AttentionParameters}, whose address is in rbx, and what rows have. */
record AttentionRows(Assembler a) {

  static Memory field(int offset) {
    return at(Gp.RBX, offset);
  }

  /** An address from which a row's bounds are {@code BOUNDS} on. */
  void bounds(Gp to, Gp row) {
    if (!to.equals(row)) {
      a.mov(to, row);
    }
    a.shl(to, BOUNDS_BITS);
    a.add(to, Gp.RBX);
  }

  /**
   * One of a row's bounds.
   *
   * @param bound {@code BEGIN} or {@code END}
   */
  void bound(Gp to, Gp row, int bound) {
    bounds(to, row);
    a.mov(to, at(to, BOUNDS + bound));
  }

  /** One of the last row's bounds. */
  void lastBound(Gp to, int bound) {
    a.mov(to, field(ROWS));
    a.dec(to);
    bound(to, to, bound);
  }

  /**
   * Address of what belongs to a row.
   *
   * @param first the parameter that has the first row's
   */
  void ofRow(Gp to, Gp row, int first, int stride) {
    a.imul(to, row, stride);
    a.add(to, field(first));
  }
}
