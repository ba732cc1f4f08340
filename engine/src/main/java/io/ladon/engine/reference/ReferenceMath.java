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
  private static final int PART = 256;

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

  /** Rounds to half precision and back; beyond its range to its largest value. */
  static float[] half(float[] x) {
    float[] y = new float[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = Float.float16ToFloat(Float.floatToFloat16(Math.clamp(x[i], -65504f, 65504f)));
    }
    return y;
  }

  /** Rounds to int8 with a scale for each 32 elements, and back. */
  static float[] int8(float[] x) {
    float[] y = new float[x.length];
    for (int begin = 0; begin < x.length; begin += 32) {
      int end = Math.min(x.length, begin + 32);
      float largest = 0;
      for (int i = begin; i < end; i++) {
        largest = Math.max(largest, Math.abs(x[i]));
      }
      float scale = largest / 127f;
      for (int i = begin; i < end; i++) {
        y[i] = scale == 0 ? 0 : (float) Math.rint(x[i] / scale) * scale;
      }
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
   * values: of each part of the positions, then of all.
   */
  static float[] attend(float[] query, List<float[]> keys, List<float[]> values, int first) {
    Softmax total = null;
    for (int begin = first, end; begin < keys.size(); begin = end) {
      end = Math.min(keys.size(), (begin / PART + 1) * PART);
      Softmax part = new Softmax(query.length);
      for (int from = begin, to; from < end; from = to) {
        to = Math.min(end, (from / TILE + 1) * TILE);
        part.take(query, keys, values, from, to);
      }
      if (total == null) {
        total = part;
      } else {
        total.merge(part);
      }
    }
    if (total == null) {
      throw new IllegalArgumentException("no positions");
    }
    return scale(total.out, 1f / addLanes(total.lanes));
  }

  /** A running softmax: what is known after some of the positions. */
  private static final class Softmax {
    float max = Float.NEGATIVE_INFINITY;
    float[] lanes = new float[LANES];
    float[] out;

    Softmax(int headSize) {
      this.out = new float[headSize];
    }

    /** Takes positions of one tile. */
    void take(float[] query, List<float[]> keys, List<float[]> values, int begin, int end) {
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
        out = scale(out, factor);
      }
      for (int p = begin; p < end; p++) {
        float weight = Exponential.exp(scores[p - begin] - max);
        lanes[p % LANES] += weight;
        for (int d = 0; d < out.length; d++) {
          out[d] = Math.fma(weight, values.get(p)[d], out[d]);
        }
      }
    }

    /** Takes the positions of a next part. */
    void merge(Softmax part) {
      float newMax = Math.max(max, part.max);
      float f = Exponential.exp(max - newMax);
      float g = Exponential.exp(part.max - newMax);
      for (int i = 0; i < LANES; i++) {
        lanes[i] = Math.fma(part.lanes[i], g, lanes[i] * f);
      }
      for (int d = 0; d < out.length; d++) {
        out[d] = Math.fma(part.out[d], g, out[d] * f);
      }
      max = newMax;
    }
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
