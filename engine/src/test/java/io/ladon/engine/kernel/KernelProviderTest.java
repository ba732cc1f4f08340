package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class KernelProviderTest {

  @Test
  void findsKernelsByName() {
    assertThat(KernelProvider.named("scalar").name()).isEqualTo("scalar");
    assertThat(KernelProvider.named("vector").name()).isEqualTo("vector-" + Simd.BITS);
    assertThatThrownBy(() -> KernelProvider.named("abacus"))
        .hasMessage("no kernels are called 'abacus': there are scalar, vector and auto");
  }

  @Test
  void saysWhy() {
    assertThat(KernelProvider.choose("auto").reason())
        .isEqualTo("the CPU has vectors of " + Simd.BITS + " bits");
  }
}
