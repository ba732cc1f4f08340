package io.ladon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.testing.TinyModels;
import io.ladon.proto.CandidateRequest;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import io.ladon.proto.WorkerMessage.MessageCase;
import io.ladon.worker.ScriptedCoordinator.Joined;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole workers compute a tiny model together: the same logits for any number of them. */
@Timeout(300)
class RankIntegrationTest {

  private static final int PROMPT_TOKENS = 40;

  @TempDir static Path folder;

  @ParameterizedTest
  @CsvSource({"tiny-llama, q4_0", "tiny-gemma3, q8_0"})
  void anyNumberOfWorkersGivesTheSameLogits(String shape, String type) throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(shape, type))) {
      byte[] alone = logits(file, 1, false);
      assertThat(alone).hasSizeGreaterThan(0);
      assertThat(logits(file, 2, false)).isEqualTo(alone);
      assertThat(logits(file, 3, false)).isEqualTo(alone);
    }
  }

  @Test
  void warmingUpLeavesNoTrace() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-qwen3", "f16"))) {
      assertThat(logits(file, 2, true)).isEqualTo(logits(file, 2, false));
    }
  }

  /** Prefills a prompt, decodes a token, and gathers all logits of it. */
  private static byte[] logits(GgufFile file, int ranks, boolean warmUp) throws Exception {
    List<Worker> workers = new ArrayList<>();
    try (ScriptedCoordinator coordinator = new ScriptedCoordinator(file, 0)) {
      List<Joined> members = new ArrayList<>();
      for (int r = 0; r < ranks; r++) {
        Worker worker =
            new Worker(
                WorkerOptions.joining(coordinator.address(), folder.resolve("cache"))
                    .threads(1)
                    .warmUp(warmUp)
                    .build());
        workers.add(worker);
        worker.start();
        members.add(coordinator.joined());
      }
      List<String> peers = members.stream().map(m -> m.hello.getPeerAddress()).toList();
      for (int r = 0; r < ranks; r++) {
        members
            .get(r)
            .send(
                Assignments.message(
                    Assignments.assign(file, 1, r, peers).setMaxStepTokens(PROMPT_TOKENS)));
      }
      awaitAll(members, MessageCase.LOADED);
      sendAll(members, Assignments.connect(1));
      awaitAll(members, MessageCase.PEERS_READY);
      sendAll(members, step(file, 1, 0, PROMPT_TOKENS));
      awaitAll(members, MessageCase.STEP_RESULT);
      sendAll(members, step(file, 2, PROMPT_TOKENS, 1));
      awaitAll(members, MessageCase.STEP_RESULT);
      sendAll(
          members,
          CoordinatorMessage.newBuilder()
              .setFetchLogits(FetchLogits.newBuilder().setEpoch(1).setStep(2)));
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (Joined member : members) {
        member.next(MessageCase.LOGITS).getLogits().getLogits().writeTo(all);
      }
      return all.toByteArray();
    } finally {
      workers.forEach(Worker::close);
    }
  }

  private static void sendAll(List<Joined> members, CoordinatorMessage.Builder message) {
    members.forEach(member -> member.send(message));
  }

  private static void awaitAll(List<Joined> members, MessageCase kind) throws Exception {
    for (Joined member : members) {
      member.next(kind);
    }
  }

  private static CoordinatorMessage.Builder step(GgufFile file, int number, int start, int tokens)
      throws IOException {
    ByteString embeddings = ByteString.EMPTY;
    int columns = file.header().tensor("token_embd.weight").columns();
    for (int t = 0; t < tokens; t++) {
      int id = (start + t) * 37 % 600;
      byte[] row =
          file.slice(new TensorSlice("token_embd.weight", id, id + 1, 0, columns))
              .toArray(ValueLayout.JAVA_BYTE);
      embeddings = embeddings.concat(ByteString.copyFrom(row));
    }
    int blocks = (start + tokens + 15) / 16;
    return CoordinatorMessage.newBuilder()
        .setStep(
            Step.newBuilder()
                .setEpoch(1)
                .setStep(number)
                .setEmbeddings(embeddings)
                .addRuns(
                    Run.newBuilder()
                        .setSequence(1)
                        .setStart(start)
                        .setTokens(tokens)
                        .addAllBlocks(IntStream.range(0, blocks).boxed().toList())
                        .setCandidates(CandidateRequest.newBuilder().setTokens(1).setCount(4))));
  }
}
