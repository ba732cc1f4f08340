package io.ladon.coordinator.schedule;

import io.ladon.coordinator.Limits;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import io.ladon.coordinator.sample.Sampler;
import java.util.Arrays;
import java.util.List;

/**
 * Text that nobody asked for: steps of one token in the block that is kept for them. They show that
 * every rank is there, run all code of a step until it is compiled, and tell what tokens cost:
 * every other step has a draft, of no meaning either.
 */
final class Practice {

  /**
   * As many tokens as fill the block, drawn from few candidates, so that no draw needs all logits;
   * with log-probabilities, for which ranks add up exponentials.
   */
  private static final GenerationRequest REQUEST =
      new GenerationRequest(
          new int[] {0}, Limits.BLOCK_POSITIONS, new SamplingOptions(0.8f, 1, 32, 0, 1), 0, true);

  private static final int DRAFT = 3;

  private final int[] draft;
  private Sequence sequence = begin();

  /**
   * @param drafts tokens that a step may draft
   */
  Practice(int drafts) {
    this.draft = new int[Math.min(drafts, DRAFT)];
  }

  /** The next step's runs: one, of one token and a draft. */
  List<Batch.Entry> entries() {
    if (sequence.generated() == REQUEST.maxTokens()) {
      sequence = begin();
    }
    int room = sequence.generated() % 2 == 0 ? 0 : REQUEST.maxTokens() - sequence.generated() - 1;
    int[] tested = Arrays.copyOf(draft, Math.min(room, draft.length));
    return List.of(new Batch.Entry(sequence, 1, true, tested));
  }

  boolean has(Sequence other) {
    return other == sequence;
  }

  private static Sequence begin() {
    Sequence begun =
        new Sequence(
            0,
            REQUEST,
            new Nobody(),
            Sampler.candidates(REQUEST.sampling(), REQUEST.topLogprobs(), 32),
            0);
    begun.blocks = new int[] {BlockPool.PRACTICE_BLOCK};
    return begun;
  }

  private static final class Nobody implements GenerationListener {

    @Override
    public void onToken(GeneratedToken token) {}

    @Override
    public void onEnd(FinishReason reason, Usage usage) {}

    @Override
    public void onError(ServiceException error) {}
  }
}
