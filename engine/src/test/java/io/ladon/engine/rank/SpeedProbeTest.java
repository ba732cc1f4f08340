package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.plan.MachineSpeed;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpeedProbeTest {

  private static final List<Integer> DISTANCES = List.of(100, 200, 300);
  private static final long NANOS = 20_000;
  private static final long SLOWER_NANOS = 2_000_000;

  /** The last one asked for, as kernels have it. */
  private int distance = DISTANCES.getFirst();

  @ParameterizedTest
  @ValueSource(ints = {100, 200, 300})
  void choosesTheDistanceThatReadsSoonest(int quickest) {
    Kernels kernels =
        kernels(() -> LockSupport.parkNanos(distance == quickest ? NANOS : SLOWER_NANOS));

    MachineSpeed speed = SpeedProbe.measure(kernels, 1);

    assertThat(distance).isEqualTo(quickest);
    assertThat(speed.readBytesPerSecond()).isPositive();
    assertThat(speed.operationsPerSecond()).isPositive();
  }

  /** Kernels that compute nothing. */
  private Kernels kernels(Runnable multiply) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          switch (method.getName()) {
            case "fetchDistances" -> {
              return DISTANCES;
            }
            case "fetchAhead" -> distance = (int) arguments[0];
            case "multiply" -> multiply.run();
            default -> throw new IllegalStateException(method.toString());
          }
          return null;
        };
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, handler);
  }
}
