package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.plan.MachineSpeed;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpeedProbeTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void measuresWithTheDistanceThatReadsSoonest(int quickest) {
    FetchKernels kernels = new FetchKernels(Map.of(TensorType.Q4_0, List.of(quickest, 0)));

    MachineSpeed speed = SpeedProbe.measure(kernels.proxy(), 1);

    assertThat(kernels.chosen(TensorType.Q4_0).getFirst())
        .isEqualTo(FetchKernels.DISTANCES.get(quickest));
    assertThat(speed.readBytesPerSecond()).isPositive();
    assertThat(speed.operationsPerSecond()).isPositive();
  }
}
