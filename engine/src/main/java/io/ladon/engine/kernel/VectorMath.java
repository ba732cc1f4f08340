package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.FLOATS;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;

import io.ladon.engine.model.ModelSpec.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Element-wise arithmetic and sums over vectors. Arguments are addresses and numbers of float32;
 * what is left over at the end of whole vectors is done value by value.
 */
final class VectorMath {

  private VectorMath() {}

  /** Address of the first float that does not fill a vector any more. */
  private static long wholeEnd(long address, int length) {
    return address + 4L * length / BYTES * BYTES;
  }

  /** Bytes of the floats that fill 16 lanes each. */
  private static long wholeLanes(int length) {
    return 4L * (length - length % ScalarKernels.LANES);
  }

  static void add(long x, long y, int length) {
    long end = y + 4L * length;
    for (long whole = wholeEnd(y, length); y != whole; y += BYTES, x += BYTES) {
      FloatVector.fromMemorySegment(FLOATS, MEMORY, y, LITTLE)
          .add(FloatVector.fromMemorySegment(FLOATS, MEMORY, x, LITTLE))
          .intoMemorySegment(MEMORY, y, LITTLE);
    }
    for (; y != end; y += 4, x += 4) {
      MEMORY.set(FLOAT, y, MEMORY.get(FLOAT, y) + MEMORY.get(FLOAT, x));
    }
  }

  static void scale(long y, int length, float factor) {
    long end = y + 4L * length;
    for (long whole = wholeEnd(y, length); y != whole; y += BYTES) {
      FloatVector.fromMemorySegment(FLOATS, MEMORY, y, LITTLE)
          .mul(factor)
          .intoMemorySegment(MEMORY, y, LITTLE);
    }
    for (; y != end; y += 4) {
      MEMORY.set(FLOAT, y, MEMORY.get(FLOAT, y) * factor);
    }
  }

  static void rmsNorm(long x, long weight, float epsilon, int length, long y) {
    float[] lanes = Scratch.ofThread().lanes();
    long whole = wholeLanes(length);
    for (int lane = 0; lane < ScalarKernels.LANES; lane += Simd.ROWS) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (long at = x + 4L * lane, end = at + whole; at != end; at += 64) {
        FloatVector value = FloatVector.fromMemorySegment(FLOATS, MEMORY, at, LITTLE);
        sum = value.fma(value, sum);
      }
      sum.intoArray(lanes, lane);
    }
    for (int i = (int) (whole / 4); i < length; i++) {
      float value = MEMORY.get(FLOAT, x + 4L * i);
      lanes[i % ScalarKernels.LANES] = Math.fma(value, value, lanes[i % ScalarKernels.LANES]);
    }
    float factor = ScalarKernels.normFactor(ScalarKernels.sumLanes(lanes), length, epsilon);
    long end = y + 4L * length;
    for (long last = wholeEnd(y, length); y != last; y += BYTES, x += BYTES, weight += BYTES) {
      FloatVector.fromMemorySegment(FLOATS, MEMORY, x, LITTLE)
          .mul(factor)
          .mul(FloatVector.fromMemorySegment(FLOATS, MEMORY, weight, LITTLE))
          .intoMemorySegment(MEMORY, y, LITTLE);
    }
    for (; y != end; y += 4, x += 4, weight += 4) {
      MEMORY.set(FLOAT, y, MEMORY.get(FLOAT, x) * factor * MEMORY.get(FLOAT, weight));
    }
  }

  static void gate(Activation activation, long gate, long up, long y, int length) {
    long whole = wholeEnd(y, length);
    long end = y + 4L * length;
    switch (activation) {
      case SILU -> silu(gate, up, y, whole);
      case GELU_TANH -> geluTanh(gate, up, y, whole);
    }
    long done = whole - y;
    gate += done;
    up += done;
    for (y += done; y != end; y += 4, gate += 4, up += 4) {
      float activated = Exponential.activate(activation, MEMORY.get(FLOAT, gate));
      MEMORY.set(FLOAT, y, activated * MEMORY.get(FLOAT, up));
    }
  }

  private static void silu(long gate, long up, long y, long end) {
    for (; y != end; y += BYTES, gate += BYTES, up += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, MEMORY, gate, LITTLE);
      x.div(VectorExponential.exp(x.neg()).add(1f))
          .mul(FloatVector.fromMemorySegment(FLOATS, MEMORY, up, LITTLE))
          .intoMemorySegment(MEMORY, y, LITTLE);
    }
  }

  private static void geluTanh(long gate, long up, long y, long end) {
    for (; y != end; y += BYTES, gate += BYTES, up += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, MEMORY, gate, LITTLE);
      FloatVector inner = x.mul(x.mul(x).fma(Exponential.GELU_3, Exponential.GELU_1));
      x.div(VectorExponential.exp(inner).add(1f))
          .mul(FloatVector.fromMemorySegment(FLOATS, MEMORY, up, LITTLE))
          .intoMemorySegment(MEMORY, y, LITTLE);
    }
  }

  static float max(long x, int length) {
    FloatVector largest = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    long end = x + 4L * length;
    for (long whole = wholeEnd(x, length); x != whole; x += BYTES) {
      largest = largest.max(FloatVector.fromMemorySegment(FLOATS, MEMORY, x, LITTLE));
    }
    float result = largest.reduceLanes(VectorOperators.MAX);
    for (; x != end; x += 4) {
      result = Math.max(result, MEMORY.get(FLOAT, x));
    }
    return result;
  }

  static float sumExp(long x, int length, float max, float inverseTemperature) {
    float[] lanes = Scratch.ofThread().lanes();
    long whole = wholeLanes(length);
    for (int lane = 0; lane < ScalarKernels.LANES; lane += Simd.ROWS) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (long at = x + 4L * lane, end = at + whole; at != end; at += 64) {
        FloatVector value = FloatVector.fromMemorySegment(FLOATS, MEMORY, at, LITTLE);
        sum = sum.add(VectorExponential.exp(value.sub(max).mul(inverseTemperature)));
      }
      sum.intoArray(lanes, lane);
    }
    for (int i = (int) (whole / 4); i < length; i++) {
      float value = MEMORY.get(FLOAT, x + 4L * i);
      lanes[i % ScalarKernels.LANES] += Exponential.exp((value - max) * inverseTemperature);
    }
    return ScalarKernels.sumLanes(lanes);
  }
}
