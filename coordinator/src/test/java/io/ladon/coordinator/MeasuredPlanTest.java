package io.ladon.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.engine.testing.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Splits by measured speeds, and by what workers have at hand. */
class MeasuredPlanTest {

  private static final PlanOptions OPEN = PlanOptions.of(2);
  private static final double[] BANDWIDTHS = {1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
  private static final MachineSpeed MACHINE = new MachineSpeed(10e9, 100e9);

  /** Nothing but the number of exchanges counts. */
  private static final LinkSpeed FAR = new LinkSpeed(1, 1e15, 0);

  @TempDir private Path folder;
  private GgufFile file;
  private ModelSpec spec;

  @BeforeEach
  void open() throws IOException {
    file = GgufFile.open(new TinyModels(folder).model("tiny-llama", TensorType.Q4_0));
    spec = ModelSpecs.read(file.header());
  }

  @AfterEach
  void close() {
    file.close();
  }

  private ShardPlan plan(Split output, Split down) {
    return ShardPlan.of(spec, new PlanOptions(2, List.of(), output, down));
  }

  private static int nothing(ShardPlan plan) {
    return 0;
  }

  private static ToIntFunction<ShardPlan> ranksOf(ShardPlan held, int ranks) {
    return plan -> plan.digest().equals(held.digest()) ? ranks : 0;
  }

  private Split[] choice(LinkSpeed link, ToIntFunction<ShardPlan> held) {
    MeasuredPlan measured =
        new MeasuredPlan(file.header(), OPEN, ShardPlan.of(spec, OPEN), 8, KvPrecision.F16);
    ShardPlan chosen = measured.choose(MACHINE, link, held);
    return new Split[] {chosen.output(), chosen.down()};
  }

  @Test
  void keepsWhatIsHeldAmongPlansThatCostAboutTheSame() {
    assertThat(choice(FAR, MeasuredPlanTest::nothing)).containsExactly(Split.WHOLE, Split.COLUMNS);
    ShardPlan asFewExchanges = plan(Split.COLUMNS, Split.WHOLE);
    assertThat(choice(FAR, ranksOf(asFewExchanges, 1))).containsExactly(Split.COLUMNS, Split.WHOLE);
  }

  @Test
  void givesUpWhatIsHeldWhereAnotherIsClearlyBetter() {
    ShardPlan twiceTheExchanges = plan(Split.ROWS, Split.ROWS);
    assertThat(choice(FAR, ranksOf(twiceTheExchanges, 2)))
        .containsExactly(Split.WHOLE, Split.COLUMNS);
  }

  /** Whatever the link, the choice of one start stays that of the next on a link like it. */
  @Test
  void staysTheSameOverARestartThatMeasuresALittleElse() {
    int wouldChange = 0;
    for (double bandwidth : BANDWIDTHS) {
      for (double latency = 1e-9; latency < 1; latency *= 1.05) {
        Split[] before = choice(new LinkSpeed(latency, bandwidth, 0), MeasuredPlanTest::nothing);
        ShardPlan held = plan(before[0], before[1]);
        LinkSpeed again = new LinkSpeed(latency * 1.04, bandwidth / 1.04, 0);
        assertThat(choice(again, ranksOf(held, 2))).as("latency %s", latency).isEqualTo(before);
        if (!Arrays.equals(choice(again, MeasuredPlanTest::nothing), before)) {
          wouldChange++;
        }
      }
    }
    assertThat(wouldChange).as("links where nothing but what is held keeps the plan").isPositive();
  }
}
