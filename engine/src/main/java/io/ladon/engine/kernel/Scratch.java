package io.ladon.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Off-heap buffers of one thread, grown when a larger product comes along and kept for the next.
 */
final class Scratch {

  private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

  /** What a buffer is for. */
  enum Use {
    PAIRS,
    MINIMUM_SCALES,
    CORRECTIONS,
    SCALES,
    MINIMA,
    WEIGHTS,
    DOTS,
    STACK,
    PARAMETERS,
    PREPARATION,
    RECORDS,
    UNPACKED,
    RING
  }

  private final MemorySegment[] buffers = new MemorySegment[Use.values().length];

  private final float[] lanes = new float[ScalarKernels.LANES];
  private @Nullable VectorActivations activations;

  private Scratch() {
    java.util.Arrays.fill(buffers, MemorySegment.NULL);
  }

  static Scratch ofThread() {
    return OF_THREAD.get();
  }

  /** Sums of 16 lanes. */
  float[] lanes() {
    return lanes;
  }

  /** Of the vector kernels; a process without the Vector API never asks. */
  VectorActivations activations() {
    VectorActivations known = activations;
    if (known == null) {
      known = new VectorActivations();
      activations = known;
    }
    return known;
  }

  /** Address of at least some bytes, aligned to 64; the content is whatever was there. */
  @SuppressWarnings("EnumOrdinal") // An index into an array that never leaves this object.
  long address(Use use, long bytes) {
    MemorySegment buffer = buffers[use.ordinal()];
    if (buffer.byteSize() < bytes) {
      buffer = Arena.ofAuto().allocate(Math.max(bytes, 4096), FloatTensor.ALIGNMENT);
      buffers[use.ordinal()] = buffer;
    }
    return buffer.address();
  }
}
