package io.ladon.worker.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ladon.net.Transport;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RankLoopTest {

  private static final Waiting LONG = new Waiting(TimeUnit.MINUTES.toNanos(1), true);

  private final RankLoop loop = new RankLoop("rank", Transport.best());

  @BeforeEach
  void start() {
    loop.start();
  }

  @AfterEach
  void stop() {
    loop.close();
  }

  @Test
  void aThreadThatExpectsATurnWorksUntilItComes() throws Exception {
    AtomicInteger pieces = new AtomicInteger();
    loop.submit(() -> loop.expectTurn(LONG, () -> pieces.incrementAndGet() > 0));
    await().until(() -> pieces.get() > 1000);
    turn();
    int atTurn = pieces.get();
    turn();
    assertThat(pieces).as("the turn was there, and no other is expected").hasValue(atTurn);
  }

  @Test
  void onACrowdedMachineItLeavesItsCoreToOthers() throws Exception {
    AtomicInteger pieces = new AtomicInteger();
    loop.submit(() -> loop.expectTurn(LONG.crowded(), () -> pieces.incrementAndGet() > 0));
    turn();
    assertThat(pieces).hasValue(0);
  }

  @Test
  void itBlocksWhenATurnDoesNotCome() throws Exception {
    AtomicInteger pieces = new AtomicInteger();
    Waiting brief = new Waiting(TimeUnit.MILLISECONDS.toNanos(1), true);
    loop.submit(() -> loop.expectTurn(brief, () -> pieces.incrementAndGet() > 0));
    await().until(() -> pieces.get() > 0);
    await()
        .until(
            () -> {
              int before = pieces.get();
              CompletableFuture<Integer> callback = new CompletableFuture<>();
              loop.schedule(
                  TimeUnit.MILLISECONDS.toNanos(10), () -> callback.complete(pieces.get()));
              return callback.get(10, TimeUnit.SECONDS) == before;
            });
  }

  /** Runs a turn. */
  private void turn() throws Exception {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    loop.submit(() -> done.complete(true));
    assertThat(done.get(10, TimeUnit.SECONDS)).isTrue();
  }
}
