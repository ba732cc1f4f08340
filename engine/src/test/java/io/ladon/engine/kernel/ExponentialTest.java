package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExponentialTest {

  /** Through all bit patterns in steps: a prime, so that all low bits occur. */
  static final int STEP = 1021;

  @Test
  void isWithinTwoUlp() {
    double worst = 0;
    for (long bits = 0; bits < 1L << 32; bits += STEP) {
      float x = Float.intBitsToFloat((int) bits);
      double expected = StrictMath.exp(x);
      float actual = Exponential.exp(x);
      if (Float.isNaN(x)) {
        assertThat(actual).isNaN();
      } else if (expected >= (double) Float.MAX_VALUE) {
        assertThat(actual).isGreaterThanOrEqualTo(Float.MAX_VALUE);
      } else if (x <= Exponential.LOWEST) {
        assertThat(actual).isEqualTo(0f);
      } else if (actual == 0f) {
        assertThat(expected).as("exp(%s)", x).isLessThan(0x1p-86);
      } else {
        worst = Math.max(worst, Math.abs(actual - expected) / Math.ulp((float) expected));
      }
    }
    assertThat(worst).isLessThan(2);
  }

  @Test
  void isExactWhereItMatters() {
    assertThat(Exponential.exp(0f)).isEqualTo(1f);
    assertThat(Exponential.exp(-0f)).isEqualTo(1f);
    assertThat(Exponential.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(Exponential.exp(Exponential.LOWEST)).isEqualTo(0f);
    assertThat(Exponential.exp(-59.5f)).isNotZero();
    assertThat(Exponential.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Exponential.exp(88.7f)).isFinite();
  }
}
