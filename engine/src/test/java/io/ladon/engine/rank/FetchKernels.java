package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.memory.FetchDistance;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Kernels that compute nothing, sooner with one of three distances of fetching than with others.
 */
final class FetchKernels {

  static final List<FetchDistance> DISTANCES =
      List.of(new FetchDistance(1, 10), new FetchDistance(2, 20), new FetchDistance(3, 30));

  private static final long NANOS = 20_000;
  private static final long SLOWER_NANOS = 2_000_000;

  private final Map<TensorType, List<Integer>> quickest;
  private final Map<TensorType, FetchDistance[]> chosen = new EnumMap<>(TensorType.class);
  private final Set<PackedMatrix> multiplied = new HashSet<>();
  private int rows;

  /**
   * @param quickest indices of distances, with one token and with more
   */
  FetchKernels(Map<TensorType, List<Integer>> quickest) {
    this.quickest = quickest;
  }

  /** The distances asked for last, of one token and of more. */
  List<FetchDistance> chosen(TensorType type) {
    return Arrays.asList(ofType(type));
  }

  private FetchDistance[] ofType(TensorType type) {
    return chosen.computeIfAbsent(type, _ -> new FetchDistance[2]);
  }

  Set<PackedMatrix> multiplied() {
    return multiplied;
  }

  /** The last row that any product had, and one. */
  int rowsMultiplied() {
    return rows;
  }

  private void multiply(PackedMatrix matrix, int rowEnd, int tokens) {
    multiplied.add(matrix);
    rows = Math.max(rows, rowEnd);
    int use = use(tokens);
    FetchDistance best =
        DISTANCES.get(Objects.requireNonNull(quickest.get(matrix.type())).get(use));
    boolean isBest = best.equals(ofType(matrix.type())[use]);
    LockSupport.parkNanos(isBest ? NANOS : SLOWER_NANOS);
  }

  private static int use(int tokens) {
    return tokens == 1 ? 0 : 1;
  }

  Kernels proxy() {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          switch (method.getName()) {
            case "fetchDistances" -> {
              return DISTANCES;
            }
            case "fetchAhead" ->
                ofType((TensorType) arguments[0])[use((int) arguments[1])] =
                    (FetchDistance) arguments[2];
            case "evict" -> {}
            case "multiply" ->
                multiply((PackedMatrix) arguments[0], (int) arguments[2], (int) arguments[4]);
            default -> throw new IllegalStateException(method.toString());
          }
          return null;
        };
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, handler);
  }
}
