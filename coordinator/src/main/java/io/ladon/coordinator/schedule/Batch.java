package io.ladon.coordinator.schedule;

import com.google.protobuf.UnsafeByteOperations;
import io.ladon.coordinator.Limits;
import io.ladon.proto.CandidateRequest;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import java.util.ArrayList;
import java.util.List;

/**
 * The runs of one step: one token of every sequence that decodes, and prompt chunks in what room
 * remains, in the order in which sequences were admitted.
 *
 * @param entries by run
 * @param step for the ranks
 */
record Batch(List<Entry> entries, Step step) {

  /**
   * One run.
   *
   * @param tokens of the sequence in this step
   * @param sampled whether the last of them gives a next token
   */
  record Entry(Sequence sequence, int tokens, boolean sampled) {}

  /** Which tokens go into a step: {@code running} in the order of their admission. */
  static List<Entry> choose(List<Sequence> running, Limits limits) {
    List<Entry> entries = new ArrayList<>();
    for (Sequence sequence : running) {
      if (sequence.decoding()) {
        entries.add(new Entry(sequence, 1, true));
      }
    }
    int room = limits.maxStepTokens() - entries.size();
    if (!entries.isEmpty()) {
      room = Math.min(room, limits.prefillChunk());
    }
    for (Sequence sequence : running) {
      if (room > 0 && !sequence.decoding()) {
        int tokens = Math.min(room, sequence.pending());
        entries.add(new Entry(sequence, tokens, tokens == sequence.pending()));
        room -= tokens;
      }
    }
    return entries;
  }

  /** The step for some runs. */
  static Batch of(long epoch, long number, List<Entry> entries, EmbeddingRows embeddings) {
    int tokens = 0;
    for (Entry entry : entries) {
      tokens += entry.tokens();
    }
    byte[] rows = new byte[Math.multiplyExact(tokens, embeddings.rowBytes())];
    int offset = 0;
    Step.Builder step = Step.newBuilder().setEpoch(epoch).setStep(number);
    for (Entry entry : entries) {
      Sequence sequence = entry.sequence();
      int start = sequence.computed();
      for (int i = 0; i < entry.tokens(); i++) {
        embeddings.copy(sequence.token(start + i), rows, offset);
        offset += embeddings.rowBytes();
      }
      Run.Builder run =
          Run.newBuilder().setSequence(sequence.id).setStart(start).setTokens(entry.tokens());
      int blocks = Limits.blocksFor(start + entry.tokens());
      for (int b = 0; b < blocks; b++) {
        run.addBlocks(sequence.blocks[b]);
      }
      if (entry.sampled()) {
        run.setCandidates(
            CandidateRequest.newBuilder()
                .setCount(sequence.candidates)
                .setTemperature(sequence.request.sampling().temperature()));
      }
      step.addRuns(run);
    }
    return new Batch(entries, step.setEmbeddings(UnsafeByteOperations.unsafeWrap(rows)).build());
  }
}
