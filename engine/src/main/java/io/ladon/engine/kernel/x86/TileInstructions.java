package io.ladon.engine.kernel.x86;

/**
 * AMX: instructions of tile registers, 0 to 7, of up to 16 rows of 64 bytes. Their shapes are part
 * of a thread's state, and so is whether they are in use.
 */
abstract class TileInstructions extends VectorInstructions {

  /** Takes the shapes of all tile registers from 64 bytes, and fills them with zeros. */
  final void ldtilecfg(Memory from) {
    tileMemory(VectorOp.of(0, 2, 0x49), from);
  }

  /** Ends the use of tiles: the system has nothing of them to save any more. */
  final void tilerelease() {
    tiles(VectorOp.of(0, 2, 0x49), 0, 0, 0);
  }

  /** Loads rows; each is {@code stride} bytes behind the one before. */
  final void tileloadd(int to, Memory from, Gp stride) {
    tileMemory(VectorOp.of(3, 2, 0x4B), to, from, stride);
  }

  final void tilestored(Memory to, Gp stride, int from) {
    tileMemory(VectorOp.of(2, 2, 0x4B), from, to, stride);
  }

  final void tilezero(int to) {
    tiles(VectorOp.of(3, 2, 0x49), to, 0, 0);
  }

  /**
   * Adds products of bfloat16 to float32: to row {@code m}, lane {@code n} of {@code to}, for every
   * {@code k} the two products of pair {@code k} in row {@code m} of {@code left} with pair {@code
   * n} in row {@code k} of {@code right}.
   */
  final void tdpbf16ps(int to, int left, int right) {
    tiles(VectorOp.of(2, 2, 0x5C), to, right, left);
  }
}
