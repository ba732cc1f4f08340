package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.Tier;
import java.io.IOException;
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
    void fetchesAsFarAheadAsIsAskedWithTheSameResults() {
      assertThat(kernels.fetchDistances()).hasSizeGreaterThan(1);
      for (int distance : kernels.fetchDistances()) {
        kernels.fetchAhead(distance);
        assertThat(kernels.fetchDistance()).isEqualTo(distance);
        assertThat(KernelSelfTest.difference(kernels)).isEmpty();
      }
      assertThatThrownBy(() -> kernels.fetchAhead(77))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("77");
    }
  }
}
