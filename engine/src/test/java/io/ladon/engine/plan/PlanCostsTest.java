package io.ladon.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.testing.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCostsTest {

  private static final MachineSpeed MACHINE = new MachineSpeed(10e9, 100e9);

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

  private PlanCosts costs(MachineSpeed machine, double latency, double bandwidth) {
    return new PlanCosts(spec, file.header(), machine, new LinkSpeed(latency, bandwidth, 0));
  }

  private ShardPlan plan(int ranks, Split output, Split down) {
    return ShardPlan.of(spec, new PlanOptions(ranks, List.of(), output, down));
  }

  @Test
  void oneRankReadsAllItsWeightsAndExchangesNothing() throws Exception {
    ShardPlan plan = plan(1, Split.WHOLE, Split.WHOLE);
    PlanCosts.Estimate decode = costs(MACHINE, 1, 1).step(plan, 1, 0);
    assertThat(decode.exchangeSeconds()).isZero();
    double bytes = ShardInventory.of(plan, file.header(), 0).bytes();
    // Norms are read, too, but do not count as matrices.
    assertThat(decode.computeSeconds() * MACHINE.readBytesPerSecond())
        .isCloseTo(bytes, within(0.05 * bytes));
  }

  @Test
  void anExchangeIsLatencyAndBytes() throws Exception {
    // COLUMNS twice: one exchange for each projection, of one root of float32 from each rank.
    ShardPlan plan = plan(2, Split.COLUMNS, Split.COLUMNS);
    PlanCosts.Estimate decode = costs(MACHINE, 1e-3, 1e6).step(plan, 1, 0);
    double bytes = decode.exchangeBytes();
    double roots = bytes / spec.layers() / (4.0 * spec.hiddenSize());
    assertThat(roots).isGreaterThanOrEqualTo(2).isEqualTo(Math.rint(roots));
    assertThat(decode.exchangeSeconds())
        .isCloseTo(spec.layers() * 2 * 1e-3 + bytes / 1e6, within(1e-9));
    // ROWS twice: two exchanges for each.
    PlanCosts.Estimate rows = costs(MACHINE, 1, 1e15).step(plan(2, Split.ROWS, Split.ROWS), 1, 0);
    assertThat(rows.exchangeSeconds()).isCloseTo(4.0 * spec.layers(), within(1e-6));
  }

  @Test
  void eachPeerIsAMessageMore() throws Exception {
    LinkSpeed link = new LinkSpeed(0, 1e15, 1e-3);
    PlanCosts costs = new PlanCosts(spec, file.header(), MACHINE, link);
    for (int ranks : new int[] {1, 2, 4}) {
      double seconds =
          costs.step(plan(ranks, Split.COLUMNS, Split.COLUMNS), 1, 0).exchangeSeconds();
      assertThat(seconds).isCloseTo(2 * spec.layers() * (ranks - 1) * 1e-3, within(1e-9));
    }
  }

  @Test
  void aNetworkIsNoQuickerThanTheThreadThatUsesIt() {
    LinkSpeed slow = LinkSpeed.ofNetwork(1e-3, 1e6);
    assertThat(slow.latencySeconds()).isEqualTo(1e-3);
    assertThat(slow.bytesPerSecond()).isEqualTo(1e6);
    assertThat(slow.messageSeconds()).isPositive();
    LinkSpeed quick = LinkSpeed.ofNetwork(0, 1e12);
    assertThat(quick.bytesPerSecond()).isLessThan(LinkSpeed.SAME_MACHINE.bytesPerSecond());
    // What a frame took contains the message, which is not to count twice.
    LinkSpeed measured = LinkSpeed.ofFrames(1e-3 + slow.messageSeconds(), 1e6);
    assertThat(measured.latencySeconds()).isCloseTo(1e-3, within(1e-12));
    assertThat(LinkSpeed.ofFrames(1e-9, 1e6).latencySeconds()).isZero();
  }

  @Test
  void choosesByWhatIsScarce() throws Exception {
    PlanOptions open = PlanOptions.of(2);
    ShardPlan standard = ShardPlan.of(spec, open);
    // Long latency: one exchange for each projection. Slow memory, quick links: no matrix is whole.
    ShardPlan far = costs(new MachineSpeed(1e12, 1e15), 1, 1e12).cheapest(open, standard);
    assertThat(List.of(far.output(), far.down())).doesNotContain(Split.ROWS);
    ShardPlan slow = costs(new MachineSpeed(1e6, 1e7), 1e-9, 1e15).cheapest(open, standard);
    assertThat(List.of(slow.output(), slow.down())).doesNotContain(Split.WHOLE);
    // Narrow links: sums of float32 are dearer than int8.
    ShardPlan narrow = costs(new MachineSpeed(1e12, 1e15), 0, 1e3).cheapest(open, standard);
    assertThat(narrow.output()).isNotEqualTo(Split.COLUMNS);
    ShardPlan given =
        costs(MACHINE, 1, 1)
            .cheapest(
                new PlanOptions(2, List.of(), Split.ROWS, Split.ROWS),
                plan(2, Split.ROWS, Split.ROWS));
    assertThat(List.of(given.output(), given.down())).containsOnly(Split.ROWS);
  }

  @Test
  void littleIsEnoughOnOneMachine() throws Exception {
    PlanOptions open = PlanOptions.of(2);
    ShardPlan standard = ShardPlan.of(spec, open);
    MachineSpeed machine = new MachineSpeed(4e9, 1e15);
    LinkSpeed sameButMeasured = new LinkSpeed(10e-6, 4e9, 1e-12);
    ShardPlan chosen =
        new PlanCosts(spec, file.header(), machine, LinkSpeed.SAME_MACHINE)
            .cheapest(open, standard);
    assertThat(chosen.output()).isEqualTo(Split.COLUMNS);
    assertThat(
            new PlanCosts(spec, file.header(), machine, sameButMeasured).cheapest(open, standard))
        .isEqualTo(standard);
  }

  @Test
  void keepsTheStandardPlanWhereItMakesNoDifference() throws Exception {
    // Either way half of the output projection on each rank, on links that cost nothing.
    PlanCosts costs = costs(new MachineSpeed(1e3, 1e15), 0, 1e15);
    PlanOptions rowsOfDown = new PlanOptions(2, List.of(), null, Split.ROWS);
    for (Split output : List.of(Split.COLUMNS, Split.ROWS)) {
      ShardPlan standard = plan(2, output, Split.ROWS);
      assertThat(costs.cheapest(rowsOfDown, standard)).isEqualTo(standard);
    }
  }
}
