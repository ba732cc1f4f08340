package io.ladon.coordinator.schedule;

import com.google.protobuf.UnsafeByteOperations;
import io.ladon.coordinator.Limits;
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
   * @param draft what may follow them, to be tested in this step
   */
  record Entry(Sequence sequence, int tokens, boolean sampled, int[] draft) {

    private static final int[] NOTHING = {};

    /** Without a draft. */
    Entry(Sequence sequence, int tokens, boolean sampled) {
      this(sequence, tokens, sampled, NOTHING);
    }

    /** Tokens of the run. */
    int length() {
      return tokens + draft.length;
    }

    /** The i-th token of the run, until the step is done. */
    int token(int i) {
      return i < tokens ? sequence.token(sequence.computed() + i) : draft[i - tokens];
    }

    /** Tokens whose candidates the ranks are asked for. */
    int asked() {
      return sampled ? 1 + draft.length : 0;
    }
  }

  /**
   * Which tokens go into a step: {@code running} in the order of their admission. Drafts are tested
   * where nobody's prompt is computed.
   */
  static List<Entry> choose(List<Sequence> running, Limits limits, Drafting drafting) {
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
    boolean allDecode = !entries.isEmpty() && entries.getLast().sequence().decoding();
    return allDecode ? drafting.extend(entries, limits.maxStepTokens() - entries.size()) : entries;
  }

  /** Tokens of all runs. */
  int tokens() {
    return tokens(entries);
  }

  /** Whether no run has more tokens of a sequence than one, so that none is part of a prompt. */
  boolean onlyDecodes() {
    for (Entry entry : entries) {
      if (entry.tokens() > 1) {
        return false;
      }
    }
    return true;
  }

  private static int tokens(List<Entry> entries) {
    int tokens = 0;
    for (Entry entry : entries) {
      tokens += entry.length();
    }
    return tokens;
  }

  /** The step for some runs. */
  static Batch of(long epoch, long number, List<Entry> entries, EmbeddingRows embeddings) {
    byte[] rows = new byte[Math.multiplyExact(tokens(entries), embeddings.rowBytes())];
    int offset = 0;
    Step.Builder step = Step.newBuilder().setEpoch(epoch).setStep(number);
    for (Entry entry : entries) {
      Sequence sequence = entry.sequence();
      int start = sequence.computed();
      int tokens = entry.length();
      for (int i = 0; i < tokens; i++) {
        embeddings.copy(entry.token(i), rows, offset);
        offset += embeddings.rowBytes();
      }
      Run.Builder run = Run.newBuilder().setSequence(sequence.id).setStart(start).setTokens(tokens);
      int blocks = Limits.blocksFor(start + tokens);
      for (int b = 0; b < blocks; b++) {
        run.addBlocks(sequence.blocks[b]);
      }
      if (entry.sampled()) {
        run.setCandidates(sequence.candidates.toBuilder().setTokens(entry.asked()));
      }
      step.addRuns(run);
    }
    return new Batch(entries, step.setEmbeddings(UnsafeByteOperations.unsafeWrap(rows)).build());
  }
}
