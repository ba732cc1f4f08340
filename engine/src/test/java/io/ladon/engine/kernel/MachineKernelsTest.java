package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.Tier;
import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The machine code of every tier that this CPU can run against the scalar kernels. */
class MachineKernelsTest {

  @Nested
  class Amx extends TierContract {
    Amx() {
      super(Tier.AMX);
    }
  }

  @Nested
  class Avx512Vnni extends TierContract {
    Avx512Vnni() {
      super(Tier.AVX512_VNNI);
    }
  }

  @Nested
  class AvxVnni extends TierContract {
    AvxVnni() {
      super(Tier.AVX_VNNI);
    }
  }

  @Nested
  class Avx2 extends TierContract {
    Avx2() {
      super(Tier.AVX2);
    }
  }

  /** One tier; where the CPU lacks it, the tests are reported as skipped, with what it lacks. */
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class TierContract extends ArithmeticContract {

    private final Tier tier;
    private Kernels kernels = new ScalarKernels();
    private AutoCloseable code = () -> {};

    TierContract(Tier tier) {
      this.tier = tier;
    }

    @BeforeAll
    void assemble() throws IOException {
      String obstacle = MachineCode.obstacle(tier);
      assumeTrue(obstacle.isEmpty(), obstacle);
      MachineCode assembled = MachineCode.assemble(tier, Exponential::constant);
      code = assembled;
      kernels = new MachineKernels(assembled);
    }

    @AfterAll
    void free() throws Exception {
      code.close();
    }

    @Override
    Kernels kernels() {
      return kernels;
    }

    @Test
    void isChosenByItsName() {
      assertThat(kernels.name()).isEqualTo(tier.label());
      assertThat(KernelProvider.named(tier.label()).name()).isEqualTo(tier.label());
    }

    @Test
    void passesTheSelfTest() {
      assertThat(KernelSelfTest.difference(kernels)).isEmpty();
    }

    @Test
    void passesTheSelfTestAsAnyCpuLikesIt() throws IOException {
      for (boolean intel : new boolean[] {false, true}) {
        try (MachineCode other = MachineCode.assemble(tier, Exponential::constant, intel)) {
          assertThat(KernelSelfTest.difference(new MachineKernels(other))).isEmpty();
        }
      }
    }

    @Test
    void readsAndEvictsNothingButWhatItIsTold() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = arena.allocate(4096, 64);
        for (int i = 0; i < 4096; i++) {
          memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7));
        }
        for (int bytes : new int[] {0, 1, 255, 256, 257, 1024, 4000}) {
          kernels.read(memory, 96, bytes);
          kernels.evict(memory, 96, bytes);
        }
        for (int i = 0; i < 4096; i++) {
          assertThat(memory.get(ValueLayout.JAVA_BYTE, i)).isEqualTo((byte) (i * 7));
        }
        assertThatThrownBy(() -> kernels.read(memory, 3841, 256))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernels.evict(memory, 3841, 256))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }

    @Test
    void fetchesAsFarAheadAsIsAskedWithTheSameResults() {
      assertThat(kernels.fetchDistances()).hasSizeGreaterThan(1);
      for (FetchDistance distance : kernels.fetchDistances()) {
        for (TensorType type : TensorType.values()) {
          TensorType other = type == TensorType.Q4_0 ? TensorType.Q4_K : TensorType.Q4_0;
          for (int tokens : new int[] {1, 3}) {
            FetchDistance ofOthers = kernels.fetchDistance(type, 4 - tokens);
            FetchDistance ofOtherType = kernels.fetchDistance(other, tokens);
            kernels.fetchAhead(type, tokens, distance);
            assertThat(kernels.fetchDistance(type, tokens)).isEqualTo(distance);
            assertThat(kernels.fetchDistance(type, 4 - tokens)).isEqualTo(ofOthers);
            assertThat(kernels.fetchDistance(other, tokens)).isEqualTo(ofOtherType);
          }
        }
        assertThat(kernels.fetchDistance(TensorType.Q4_0, 2)).isEqualTo(distance);
        assertThat(kernels.fetchDistance(TensorType.Q4_K, 4)).isEqualTo(distance);
        assertThat(KernelSelfTest.difference(kernels)).isEmpty();
      }
      assertThatThrownBy(() -> kernels.fetchAhead(TensorType.Q4_0, 1, new FetchDistance(7, 77)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("7/77");
    }
  }
}
