package io.ladon.coordinator.cluster;

import io.ladon.coordinator.Limits;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;
import java.util.Collection;

/**
 * How large messages can become, from the model and the limits.
 *
 * @param fromWorker largest message that a worker sends
 * @param toWorker largest message that a worker is sent
 */
public record MessageSizes(int fromWorker, int toWorker) {

  /**
   * Room for texts and figures (names, failures, tags and lengths of fields) and a Pong's payload.
   */
  private static final int CONTROL_BYTES = (1 << 16) + LinkProbe.PAYLOAD_BYTES;

  private static final int VARINT_BYTES = 5;

  /**
   * @param headerBytes of the GGUF header without the tokenizer
   * @param embeddingRowBytes of one token
   * @param tensorNames of the checkpoint
   * @param contextLength positions of one sequence
   */
  public static MessageSizes of(
      ShardPlan plan,
      Limits limits,
      int headerBytes,
      int embeddingRowBytes,
      Collection<String> tensorNames,
      int contextLength) {
    int rows =
        plan.ranks().stream().map(RankPlan::vocabulary).mapToInt(r -> r.size()).max().orElse(0);
    long logits = (long) rows * Float.BYTES;
    long candidates = (long) limits.maxCandidates() * (VARINT_BYTES + Float.BYTES);
    long tiles = 3L * Float.BYTES * Math.ceilDiv(rows, ShardPlan.VOCABULARY_TILE);
    long results = limits.maxStepAsked() * (candidates + tiles + 64);
    // A request for slices names each tensor, the embedding twice, with five numbers.
    long names = 0;
    for (String name : tensorNames) {
      names += 2L * (name.length() * 3L + 64);
    }
    long step =
        (long) limits.maxStepTokens() * embeddingRowBytes
            + limits.maxRunning() * (64 + (long) VARINT_BYTES * Limits.blocksFor(contextLength));
    long assign = headerBytes + plan.size() * 300L;
    return new MessageSizes(
        Math.toIntExact(Math.max(Math.max(logits, results), names) + CONTROL_BYTES),
        Math.toIntExact(Math.max(Math.max(step, assign), Slices.CHUNK_BYTES) + CONTROL_BYTES));
  }
}
