package io.ladon.worker;

import static io.ladon.worker.Assignments.assign;
import static io.ladon.worker.Assignments.connect;
import static io.ladon.worker.Assignments.message;
import static io.ladon.worker.Assignments.step;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.StringValue;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.testing.TinyModels;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.Ping;
import io.ladon.proto.WorkerMessage.MessageCase;
import io.ladon.worker.ScriptedCoordinator.Joined;
import io.ladon.worker.exchange.ExchangeMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Steps over a coordinator's local socket, and where there is none. */
@Timeout(120)
class LocalStepsTest {

  @TempDir Path folder;
  private GgufFile file;
  private ScriptedCoordinator coordinator;
  private ScriptedLocalSocket near;
  private final List<Worker> workers = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    file = GgufFile.open(new TinyModels(folder).model("tiny-llama", TensorType.Q8_0));
    coordinator = new ScriptedCoordinator(file, 0);
    near = new ScriptedLocalSocket();
  }

  @AfterEach
  void stop() throws Exception {
    workers.forEach(Worker::close);
    near.close();
    coordinator.close();
    file.close();
  }

  /** The only rank of epoch 1, after it was sent an offer. */
  private Joined rank(CoordinatorMessage.Builder offer, ExchangeMode exchange) throws Exception {
    Worker worker =
        new Worker(
            WorkerOptions.joining(coordinator.address(), folder.resolve("cache"))
                .threads(1)
                .crowding(WorkerOptions.Crowding.YES)
                .exchange(exchange)
                .longestPause(Duration.ofMillis(50))
                .build(),
            new FakeShards());
    workers.add(worker);
    worker.start();
    Joined member = coordinator.joined();
    member.send(offer);
    member.send(message(assign(file, 1, 0, List.of(member.hello.getPeerAddress()))));
    member.next(MessageCase.LOADED);
    member.send(connect(1));
    member.next(MessageCase.PEERS_READY);
    return member;
  }

  @Test
  void answersGoBackTheWayTheStepsCome() throws Exception {
    Joined member = rank(near.offer("secret"), ExchangeMode.AUTO);
    assertThat(near.next(MessageCase.LOCAL_LINK).getLocalLink().getToken().toStringUtf8())
        .isEqualTo("secret");
    member.send(step(1, 1, 1)); // the coordinator may not know of the connection yet
    assertThat(member.next(MessageCase.STEP_RESULT).getStepResult().getStep()).isEqualTo(1);
    near.send(step(1, 2, 1));
    assertThat(near.next(MessageCase.STEP_RESULT).getStepResult().getStep()).isEqualTo(2);
    near.send(
        CoordinatorMessage.newBuilder()
            .setFetchLogits(FetchLogits.newBuilder().setEpoch(1).setStep(2).setRun(2).setToken(5)));
    assertThat(near.next(MessageCase.LOGITS).getLogits().getLogits().toByteArray())
        .containsExactly(2, 5, 3, 4);
    member.send(CoordinatorMessage.newBuilder().setPing(Ping.newBuilder().setNonce(7)));
    assertThat(member.next(MessageCase.PONG).getPong().getNonce()).isEqualTo(7);
    near.send(step(1, 3, 11));
    assertThat(member.next(MessageCase.FAILURE).getFailure().getMessage())
        .contains("tokens: 11 are too many");
  }

  @Test
  void anotherMachinesOfferIsNotTaken() throws Exception {
    Joined member =
        rank(
            CoordinatorMessage.newBuilder()
                .setLocalOffer(LocalOffer.newBuilder().setSocket("ladon-nobody-listens-here")),
            ExchangeMode.AUTO);
    member.send(step(1, 1, 1));
    member.next(MessageCase.STEP_RESULT);
  }

  @Test
  void whoIsToldToUseGrpcTakesNoOffer() throws Exception {
    Joined member = rank(near.offer("secret"), ExchangeMode.GRPC);
    member.send(step(1, 1, 1));
    member.next(MessageCase.STEP_RESULT);
    assertThat(near.isOpen()).isFalse();
  }

  @Test
  void whatIsNoMessageMakesItJoinAgain() throws Exception {
    Joined member = rank(near.offer("secret"), ExchangeMode.AUTO);
    near.next(MessageCase.LOCAL_LINK);
    near.send(StringValue.of("x".repeat(99)));
    assertThat(coordinator.joined().hello.getInstance()).isEqualTo(member.hello.getInstance());
  }

  @Test
  void leavingItClosesTheConnection() throws Exception {
    Joined member = rank(near.offer("secret"), ExchangeMode.AUTO);
    near.next(MessageCase.LOCAL_LINK);
    workers.getFirst().close();
    member.next(MessageCase.LEAVE);
    await().atMost(Duration.ofSeconds(20)).until(() -> !near.isOpen());
  }
}
