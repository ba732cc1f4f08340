package io.ladon.engine.kernel.x86;

import java.util.ArrayList;
import java.util.List;

/** A place in the code, that may be jumped to before it is known. */
final class Label {

  static final int UNBOUND = -1;

  private int position = UNBOUND;
  private final List<Integer> jumps = new ArrayList<>();

  int position() {
    return position;
  }

  void bind(int at) {
    if (position != UNBOUND) {
      throw new IllegalStateException("label at " + at + " is bound to " + position);
    }
    position = at;
  }

  /** Positions of the 4 bytes that wait for this label's place. */
  List<Integer> jumps() {
    return jumps;
  }
}
