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
import java.util.List;

/**
 * Text that nobody asked for: steps of one token in the block that is kept for them. They show that
 * every rank is there, and run all code of a step until it is compiled.
 */
final class Practice {

  /** As many tokens as fill the block, drawn from few candidates: no draw needs all logits. */
  private static final GenerationRequest REQUEST =
      new GenerationRequest(
          new int[] {0}, Limits.BLOCK_POSITIONS, new SamplingOptions(0.8f, 1, 32, 0, 1), -1, true);

  private Sequence sequence = begin();

  /** The next step's runs: one of one token. */
  List<Batch.Entry> entries() {
    if (sequence.generated() == REQUEST.maxTokens()) {
      sequence = begin();
    }
    return List.of(new Batch.Entry(sequence, 1, true));
  }

  boolean has(Sequence other) {
    return other == sequence;
  }

  private static Sequence begin() {
    Sequence begun =
        new Sequence(0, REQUEST, new Nobody(), Sampler.candidates(REQUEST.sampling(), -1, 32), 0);
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
