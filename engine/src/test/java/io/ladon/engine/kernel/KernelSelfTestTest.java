package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KernelSelfTestTest {

  private static final Kernels SCALAR = new ScalarKernels();
  private static final String VECTORS_DIFFER =
      "its float32 vectors differ from the scalar kernels'";

  /** Another answer of the scalar kernels, if it is meant, belongs where the known ones are. */
  @Test
  void knowsTheAnswersOfTheScalarKernels() {
    assertThat(inHex(KernelSelfTest.answers(SCALAR))).isEqualTo(inHex(KernelSelfTest.KNOWN));
  }

  @ParameterizedTest
  @EnumSource
  void seesOneWrongBitOfAProductWithAnyNumberOfTokens(TensorType type) {
    for (int tokens : new int[] {1, 9, 65}) {
      Kernels broken =
          broken(
              "multiply",
              arguments -> {
                if (((PackedMatrix) arguments[0]).type() == type && (int) arguments[4] == tokens) {
                  FloatTensor out = ((FloatTensor[]) arguments[5])[0];
                  flip(out.segment(), (long) tokens * out.columns() - 1);
                }
              });
      assertThat(KernelSelfTest.difference(broken))
          .isEqualTo("its products of %s differ from the scalar kernels'", type);
    }
  }

  @Test
  void seesOneWrongBitOfQuantisedActivations() {
    for (int part = 0; part < 3; part++) {
      int wrong = part;
      Kernels broken =
          broken(
              "quantize",
              arguments -> {
                QuantizedActivations out = (QuantizedActivations) arguments[5];
                MemorySegment[] parts = {out.quants(), out.scales(), out.sums()};
                flip(parts[wrong], parts[wrong].byteSize() / 4 - 1);
              });
      assertThat(KernelSelfTest.difference(broken))
          .isEqualTo("its quantised activations differ from the scalar kernels'");
    }
  }

  @Test
  void seesSumsThatAreNotMade() {
    Kernels broken =
        broken(
            "sumBlocks", arguments -> ((QuantizedActivations) arguments[0]).sums().fill((byte) -1));
    assertThat(KernelSelfTest.difference(broken))
        .isEqualTo("its sums of activations differ from the scalar kernels'");
  }

  /**
   * @param vector which argument is the one that a function writes; its offset follows it
   */
  @ParameterizedTest
  @CsvSource({"rmsNorm, 6", "add, 2", "scale, 0", "gate, 5", "max, 4", "sumExp, 7"})
  void seesOneWrongBitOfAVector(String function, int vector) {
    Kernels broken =
        broken(
            function,
            arguments -> flip((MemorySegment) arguments[vector], (long) arguments[vector + 1]));
    assertThat(KernelSelfTest.difference(broken)).isEqualTo(VECTORS_DIFFER);
  }

  /** What a broken function does to its arguments when it has done all right. */
  private interface Damage {
    void to(Object[] arguments);
  }

  private interface Answer {
    @Nullable Object to(Method method, Object[] arguments) throws ReflectiveOperationException;
  }

  /** The scalar kernels with one broken function. */
  private static Kernels broken(String function, Damage damage) {
    return kernels(
        (method, arguments) -> {
          Object result = method.invoke(SCALAR, arguments);
          if (method.getName().equals(function)) {
            damage.to(arguments);
          }
          return result;
        });
  }

  private static Kernels kernels(Answer answer) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (_, method, arguments) -> answer.to(method, arguments));
  }

  /** Changes the lowest bit of one float or int. */
  private static void flip(MemorySegment values, long index) {
    int value = values.getAtIndex(ValueLayout.JAVA_INT, index);
    values.setAtIndex(ValueLayout.JAVA_INT, index, value ^ 1);
  }

  private static Map<String, String> inHex(Map<String, Integer> checksums) {
    Map<String, String> hex = new TreeMap<>();
    checksums.forEach((what, checksum) -> hex.put(what, "0x%08x".formatted(checksum)));
    return hex;
  }
}
