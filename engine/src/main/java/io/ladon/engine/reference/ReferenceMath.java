package io.ladon.engine.reference;

import io.ladon.engine.kernel.Exponential;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The formulas of a layer, one value after the other, in the fixed order of their operations. */
final class ReferenceMath {

  private static final int LANES = 16;
  private static final int TILE = 64;

  /** -2 sqrt(2 / pi). */
  private static final float GELU_1 = -1.5957692f;

  /** 0.044715 of it. */
  private static final float GELU_3 = -0.071354814f;

  private ReferenceMath() {}

  /** {@code x * weight / sqrt(mean(x^2) + epsilon)}. */
  static float[] rmsNorm(float[] x, float[] weight, float epsilon) {
    float[] lanes = new float[LANES];
    for (int i = 0; i < x.length; i++) {
      lanes[i % LANES] = Math.fma(x[i], x[i], lanes[i % LANES]);
    }
    float factor = 1f / (float) Math.sqrt(addLanes(lanes) / x.length + epsilon);
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i] * factor * weight[i];
    }
    return y;
  }

  static float[] add(float[] a, float[] b) {
    float[] y = new float[a.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = a[i] + b[i];
    }
    return y;
  }

  static float[] scale(float[] x, float factor) {
    float[] y = new float[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = x[i] * factor;
    }
    return y;
  }

  /** {@code activation(gate) * up}. */
  static float[] gate(ModelSpec.Activation activation, float[] gate, float[] up) {
    float[] y = new float[gate.length];
    for (int i = 0; i < y.length; i++) {
      float x = gate[i];
      float exponent =
          switch (activation) {
            case SILU -> -x;
            // 0.5 (1 + tanh u) = 1 / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
            case GELU_TANH -> x * Math.fma(x * x, GELU_3, GELU_1);
          };
      y[i] = x / (1f + Exponential.exp(exponent)) * up[i];
    }
    return y;
  }

  /**
   * Rotates a head's pairs by {@code position * scale * base^(-2i / dimensions) / factor[i]}.
   *
   * @param factors null for none
   */
  static float[] rotate(
      float[] head,
      RopeSpec rope,
      float base,
      float positionScale,
      float @Nullable [] factors,
      int position) {
    float[] y = head.clone();
    for (int i = 0; i < rope.dimensions() / 2; i++) {
      double frequency = positionScale * StrictMath.pow(base, -2.0 * i / rope.dimensions());
      if (factors != null) {
        frequency /= factors[i];
      }
      float cos = (float) StrictMath.cos(position * frequency);
      float sin = (float) StrictMath.sin(position * frequency);
      boolean adjacent = rope.style() == RopeSpec.Style.ADJACENT;
      int a = adjacent ? 2 * i : i;
      int b = adjacent ? 2 * i + 1 : i + rope.dimensions() / 2;
      y[a] = head[a] * cos - head[b] * sin;
      y[b] = head[a] * sin + head[b] * cos;
    }
    return y;
  }

  /**
   * Softmax of the scaled query's scores over positions {@code [first, keys.size())}, times the
   * values.
   */
  static float[] attend(float[] query, List<float[]> keys, List<float[]> values, int first) {
    float max = Float.NEGATIVE_INFINITY;
    float[] lanes = new float[LANES];
    float[] y = new float[query.length];
    int begin = first;
    while (begin < keys.size()) {
      int end = Math.min(keys.size(), (begin / TILE + 1) * TILE);
      float[] scores = new float[end - begin];
      float before = max;
      for (int p = begin; p < end; p++) {
        float score = 0;
        for (int d = 0; d < query.length; d++) {
          score = Math.fma(query[d], keys.get(p)[d], score);
        }
        scores[p - begin] = score;
        max = Math.max(max, score);
      }
      if (max > before) {
        float factor = Exponential.exp(before - max);
        lanes = scale(lanes, factor);
        y = scale(y, factor);
      }
      for (int p = begin; p < end; p++) {
        float weight = Exponential.exp(scores[p - begin] - max);
        lanes[p % LANES] += weight;
        for (int d = 0; d < y.length; d++) {
          y[d] = Math.fma(weight, values.get(p)[d], y[d]);
        }
      }
      begin = end;
    }
    return scale(y, 1f / addLanes(lanes));
  }

  /** Adds lanes i and i + 8, i + 4, i + 2, i + 1. */
  private static float addLanes(float[] lanes) {
    float[] sums = lanes.clone();
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        sums[i] += sums[i + half];
      }
    }
    return sums[0];
  }
}
