package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.engine.kernel.KernelProvider.Machine;
import io.ladon.engine.kernel.KernelProvider.MachineStarter;
import io.ladon.engine.kernel.x86.Tier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelProviderTest {

  private static final MachineStarter REFUSES =
      tier -> new Machine(null, "the system refuses executable memory (error number 13)");

  @Test
  void findsKernelsByName() {
    assertThat(KernelProvider.named("scalar").name()).isEqualTo("scalar");
    assertThat(KernelProvider.named("vector").name()).isEqualTo("vector-" + Simd.BITS);
    assertThatThrownBy(() -> KernelProvider.named("abacus"))
        .hasMessage("no kernels are called 'abacus': there are " + KernelProvider.NAMES);
  }

  @ParameterizedTest
  @EnumSource
  void namesEveryTier(Tier tier) {
    assertThat(KernelProvider.NAMES.split(", ")).contains(tier.label());
    KernelProvider chosen =
        KernelProvider.choose(tier.label(), asked -> new Machine(new ScalarKernels(), ""));
    assertThat(chosen.reason()).isEqualTo("asked for");
  }

  @Test
  void fallsBackToVectorsAndSaysWhy() {
    KernelProvider chosen = KernelProvider.choose("auto", REFUSES);
    assertThat(chosen.kernels()).isInstanceOf(VectorKernels.class);
    assertThat(chosen.reason())
        .startsWith("the CPU has vectors of " + Simd.BITS + " bits; ")
        .contains("no x86-avx512vnni: the system refuses executable memory (error number 13)");
  }

  @Test
  void refusesMachineCodeThatIsAskedForAndCannotRun() {
    assertThatThrownBy(() -> KernelProvider.choose("machine", REFUSES))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no x86-avx512vnni: the system refuses executable memory");
    assertThatThrownBy(() -> KernelProvider.choose("x86-avx512vnni", REFUSES))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no x86-avx512vnni: the system refuses executable memory (error number 13)");
  }

  @Test
  void takesTheFirstTierThatRuns() {
    KernelProvider chosen =
        KernelProvider.choose("auto", tier -> new Machine(new ScalarKernels(), ""));
    assertThat(chosen.kernels()).isInstanceOf(ScalarKernels.class);
    assertThat(chosen.reason()).isEqualTo("the CPU has what they need");
  }
}
