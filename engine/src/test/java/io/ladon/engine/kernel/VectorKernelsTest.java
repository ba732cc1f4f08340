package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The vector kernels against the scalar ones, bit for bit. The build runs these tests once for
 * every width that the CPU has.
 */
class VectorKernelsTest extends ArithmeticContract {

  private final VectorKernels vector = new VectorKernels();
  private final Arena arena = Arena.ofAuto();

  @Override
  Kernels kernels() {
    return vector;
  }

  @BeforeAll
  static void needsTheWidth() {
    assumeTrue(Simd.supported(), "this CPU has no vectors of " + Simd.BITS + " bits");
  }

  @Test
  void widensEveryHalf() {
    FloatTensor out = FloatTensor.allocate(arena, 1, 16);
    MemorySegment halves = arena.allocate(32, 64);
    for (int first = 0; first < 1 << 16; first += 16) {
      for (int i = 0; i < 16; i++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (first + i));
      }
      VectorScales.halves(halves.address(), 32, 1, out.segment().address());
      for (int i = 0; i < 16; i++) {
        float expected = Float.float16ToFloat((short) (first + i));
        if (Float.isNaN(expected)) {
          assertThat(out.get(0, i)).isNaN();
        } else {
          assertThat(Float.floatToRawIntBits(out.get(0, i)))
              .isEqualTo(Float.floatToRawIntBits(expected));
        }
      }
    }
  }

  @Test
  void refusesMemoryOnTheHeap() {
    MemorySegment heap = MemorySegment.ofArray(new float[16]);
    assertThatThrownBy(() -> vector.max(heap, 0, 16, 1, heap, 0)).hasMessageContaining("off heap");
  }

  @Test
  void refusesWhatReachesBeyondTheEnd() {
    FloatTensor x = FloatTensor.allocate(arena, 1, 16);
    assertThatThrownBy(() -> vector.max(x.segment(), 1, 16, 1, x.segment(), 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
