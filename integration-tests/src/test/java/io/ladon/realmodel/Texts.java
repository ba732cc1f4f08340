package io.ladon.realmodel;

import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.RankCluster;
import io.ladon.engine.rank.RankOptions;
import io.ladon.engine.rank.Run;
import io.ladon.engine.rank.Run.CandidateRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Continues prompts side by side on ranks in this process. */
final class Texts {

  /** A choice that ends the text. */
  static final int END = -1;

  /** Tokens of a prompt that are read in one step. */
  private static final int CHUNK = 128;

  private static final CandidateRequest CANDIDATE = new CandidateRequest(1, 0);

  /** Decides how a text goes on. */
  @FunctionalInterface
  interface Choice {
    /**
     * @param text number of the text
     * @param place 0 for the token after the prompt
     * @param logits of the whole vocabulary
     * @return the next token, or {@link #END}
     */
    int next(int text, int place, float[] logits);
  }

  private record Text(int number, int[] blocks) {}

  private Texts() {}

  /**
   * Two ranks of one thread each, with room for all texts at once.
   *
   * @param tokens that a text may grow by
   */
  static RankCluster cluster(GgufFile file, List<int[]> prompts, int tokens) throws IOException {
    int blocks = prompts.stream().mapToInt(prompt -> blocks(prompt.length + tokens)).sum();
    RankOptions options =
        new RankOptions(blocks, KvType.F32, CHUNK, prompts.size(), prompts.size(), 1);
    return new RankCluster(
        ShardPlan.of(ModelSpecs.read(file.header()), PlanOptions.of(2)),
        file,
        RankCluster.Setup.of(KernelProvider.best()).withOptions(options));
  }

  /**
   * Reads each prompt in chunks, one after another, then takes steps of one token of every text.
   *
   * @param tokens that a text may grow by
   */
  static void run(RankCluster cluster, List<int[]> prompts, int tokens, Choice choice)
      throws Exception {
    int[] last = new int[prompts.size()];
    List<Text> living = new ArrayList<>();
    int block = 0;
    for (int i = 0; i < prompts.size(); i++) {
      int[] prompt = prompts.get(i);
      int needed = blocks(prompt.length + tokens);
      Text text = new Text(i, IntStream.range(block, block + needed).toArray());
      block += needed;
      for (int start = 0; start < prompt.length; start += CHUNK) {
        int end = Math.min(prompt.length, start + CHUNK);
        Run run = new Run(i, start, end - start, text.blocks(), CANDIDATE);
        cluster.run(List.of(run), Arrays.copyOfRange(prompt, start, end));
      }
      last[i] = choice.next(i, 0, cluster.logits(0));
      if (last[i] != END) {
        living.add(text);
      }
    }
    for (int place = 1; place <= tokens && !living.isEmpty(); place++) {
      step(cluster, prompts, living, last, place, choice);
      living.removeIf(text -> last[text.number()] == END);
    }
  }

  private static void step(
      RankCluster cluster,
      List<int[]> prompts,
      List<Text> living,
      int[] last,
      int place,
      Choice choice)
      throws Exception {
    List<Run> runs = new ArrayList<>();
    for (Text text : living) {
      int position = prompts.get(text.number()).length + place - 1;
      runs.add(new Run(text.number(), position, 1, text.blocks(), CANDIDATE));
    }
    cluster.run(runs, living.stream().mapToInt(text -> last[text.number()]).toArray());
    for (int i = 0; i < living.size(); i++) {
      int number = living.get(i).number();
      last[number] = choice.next(number, place, cluster.logits(i));
    }
  }

  private static int blocks(int positions) {
    return (positions + KvCache.BLOCK - 1) / KvCache.BLOCK;
  }
}
