package io.ladon.coordinator.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class StepCostsTest {

  @Test
  void nothingCostsAnythingBeforeTheFirstStep() {
    StepCosts costs = new StepCosts();
    assertThat(costs.ofToken()).isZero();
    assertThat(costs.ofStep(4)).isZero();
  }

  @Test
  void aPartOfAStepIsAssumedWhileAllHaveTheSameTokens() {
    StepCosts costs = new StepCosts();
    for (int i = 0; i < 100; i++) {
      costs.stepped(1, 10_000_000);
    }
    assertThat(costs.ofStep(1)).isCloseTo(10e6, within(1.0));
    assertThat(costs.ofToken()).isBetween(0.1e6, 2e6);
  }

  @Test
  void aLineIsFound() {
    StepCosts costs = new StepCosts();
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      int tokens = 1 + random.nextInt(9);
      costs.stepped(tokens, 8_000_000 + 500_000L * tokens + random.nextInt(-300_000, 300_000));
    }
    assertThat(costs.ofToken()).isCloseTo(500_000, within(50_000.0));
    assertThat(costs.ofStep(3)).isCloseTo(9_500_000, within(200_000.0));
  }

  @Test
  void aLineThatChangesIsFollowed() {
    StepCosts costs = new StepCosts();
    for (int i = 0; i < 600; i++) {
      int tokens = 1 + i % 5;
      costs.stepped(tokens, i < 300 ? 1_000_000 + 100_000L * tokens : 400_000L * tokens);
    }
    assertThat(costs.ofToken()).isCloseTo(400_000, within(20_000.0));
  }

  @Test
  void aHiccupIsNoPrice() {
    StepCosts costs = new StepCosts();
    for (int i = 0; i < 100; i++) {
      int tokens = 1 + i % 4;
      costs.stepped(tokens, i == 90 ? 500_000_000 : 1_000_000 + 100_000L * tokens);
    }
    assertThat(costs.ofStep(4)).isLessThan(2_000_000);
    assertThat(costs.ofToken()).isBetween(0.0, 300_000.0);
  }

  @Test
  void noTokenIsFreeOfTheStepsOwnCostOrCostsMoreThanItsShare() {
    StepCosts costs = new StepCosts();
    for (int i = 0; i < 50; i++) {
      int tokens = 1 + i % 4;
      costs.stepped(tokens, 5_000_000 - 1_000_000L * tokens); // falls: noise, so to speak
    }
    assertThat(costs.ofToken()).isZero();
    for (int i = 0; i < 500; i++) {
      int tokens = 1 + i % 4;
      costs.stepped(tokens, 1_000_000L * tokens * tokens);
    }
    assertThat(costs.ofStep(1)).isPositive();
  }
}
