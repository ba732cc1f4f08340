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
    assertThat(Exponential.exp(-104f)).isEqualTo(0f);
    assertThat(Exponential.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Exponential.exp(88.7f)).isFinite();
  }

  /** All floats that are not clamped, so that machine code may clamp them earlier. */
  @Test
  void oneAbsorbsEveryExponentialFromAbsorbedOn() {
    int end = Float.floatToRawIntBits(Exponential.LOWEST);
    for (int bits = Float.floatToRawIntBits(Exponential.ABSORBED); bits <= end; bits++) {
      float x = Float.intBitsToFloat(bits);
      if (1f + Exponential.exp(x) != 1f) {
        assertThat(1f + Exponential.exp(x)).as("1 + exp(%s)", x).isEqualTo(1f);
      }
    }
    assertThat(1f + Exponential.exp(Float.NEGATIVE_INFINITY)).isEqualTo(1f);
  }
}
