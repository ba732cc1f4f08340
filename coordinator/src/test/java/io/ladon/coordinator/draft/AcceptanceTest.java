package io.ladon.coordinator.draft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class AcceptanceTest {

  @Test
  void longerMatchesAreTrustedMore() {
    Acceptance fresh = new Acceptance();
    assertThat(fresh.rate(2)).isLessThan(fresh.rate(3));
    assertThat(fresh.rate(3)).isLessThan(fresh.rate(4));
    assertThat(fresh.rate(7)).isEqualTo(fresh.rate(4)).isLessThan(fresh.rate(8));
    assertThat(fresh.rate(32)).isEqualTo(fresh.rate(8)).isLessThan(1);
  }

  @Test
  void whatWasTestedCounts() {
    Acceptance acceptance = new Acceptance();
    for (int i = 0; i < 20; i++) {
      acceptance.tested(3, 4, 4);
      acceptance.tested(2, 4, 0);
    }
    assertThat(acceptance.rate(3)).isBetween(0.9, 1.0);
    assertThat(acceptance.rate(2)).isBetween(0.0, 0.06);
    assertThat(acceptance.rate(4)).isEqualTo(new Acceptance().rate(4));
  }

  @Test
  void aWrongTokenLeavesThoseAfterItUntested() {
    Acceptance two = new Acceptance();
    two.tested(2, 2, 1);
    Acceptance ten = new Acceptance();
    ten.tested(2, 10, 1);
    assertThat(ten.rate(2)).isEqualTo(two.rate(2));
  }

  @Test
  void aFailureIsForgottenWithTime() {
    Acceptance acceptance = new Acceptance();
    for (int i = 0; i < 20; i++) {
      acceptance.tested(2, 1, 0);
    }
    double low = acceptance.rate(2);
    for (int i = 0; i < 500; i++) {
      acceptance.age();
    }
    double expected = new Acceptance().rate(2);
    assertThat(acceptance.rate(2)).isBetween((low + expected) / 2, expected);
  }
}
