package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.plan.MachineSpeed;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpeedProbeTest {

  private static final List<FetchDistance> DISTANCES =
      List.of(new FetchDistance(1, 10), new FetchDistance(2, 20), new FetchDistance(3, 30));
  private static final long NANOS = 20_000;
  private static final long SLOWER_NANOS = 2_000_000;

  /** The last ones asked for, of one token and of more, then the same of super-blocks. */
  private final FetchDistance[] chosen = new FetchDistance[4];

  @ParameterizedTest
  @CsvSource({"0, 1, 2, 0", "1, 2, 0, 1", "2, 0, 1, 2"})
  void choosesTheDistancesThatReadSoonest(int one, int more, int superOne, int superMore) {
    FetchDistance[] quickest = {
      DISTANCES.get(one), DISTANCES.get(more), DISTANCES.get(superOne), DISTANCES.get(superMore)
    };
    Kernels kernels =
        kernels(
            use -> LockSupport.parkNanos(chosen[use].equals(quickest[use]) ? NANOS : SLOWER_NANOS));

    MachineSpeed speed = SpeedProbe.measure(kernels, 1);

    assertThat(chosen).isEqualTo(quickest);
    assertThat(speed.readBytesPerSecond()).isPositive();
    assertThat(speed.operationsPerSecond()).isPositive();
  }

  private static int use(TensorType type, Object tokens) {
    return ((int) tokens == 1 ? 0 : 1) + (type == SpeedProbe.SUPER_BLOCKS ? 2 : 0);
  }

  /**
   * Kernels that compute nothing.
   *
   * @param multiply is given a place in {@link #chosen}
   */
  private Kernels kernels(IntConsumer multiply) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          switch (method.getName()) {
            case "fetchDistances" -> {
              return DISTANCES;
            }
            case "fetchAhead" ->
                chosen[use((TensorType) arguments[0], arguments[1])] = (FetchDistance) arguments[2];
            case "evict" -> {}
            case "multiply" ->
                multiply.accept(use(((PackedMatrix) arguments[0]).type(), arguments[4]));
            default -> throw new IllegalStateException(method.toString());
          }
          return null;
        };
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, handler);
  }
}
