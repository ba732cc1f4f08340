package io.ladon.worker.exchange;

import static io.ladon.engine.exchange.ExchangeGroup.WAIT;
import static io.ladon.engine.exchange.ExchangeGroup.all;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangeException;
import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.net.Transport;
import io.ladon.worker.exchange.RankPair.Side;
import io.ladon.worker.loop.Waiting;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many exchanges of all sizes at all paces; nothing gets lost, mixed up or stuck. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedMemoryStressTest {

  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final List<ExchangePoint> POINTS = List.of(ExchangePoint.values());
  private static final int LARGEST = 3 * SharedLane.SLOT_BYTES + 1000;

  @TempDir private Path folder;

  /** Between falling asleep and blocking lies the race that these are about. */
  @ParameterizedTest
  @CsvSource({"2, 0, 6000", "2, 3000, 6000", "2, 200000, 6000", "3, 0, 2000", "3, 20000, 2000"})
  void everyByteArrives(int ranks, long spinNanos, int swaps) throws Exception {
    LoopGroup.Setup setup =
        LoopGroup.Setup.of(Transport.best(), ExchangeMode.SHARED_MEMORY)
            .memory(new SharedMemory(folder))
            .waiting(new Waiting(spinNanos, true));
    try (ExchangeGroup group = LoopGroup.open(setup, ranks, 9, PATIENT)) {
      all(
          group.each(
              x -> {
                swapAtRandom(x, swaps);
                return null;
              }));
    }
  }

  private static void swapAtRandom(Exchange x, int swaps) {
    Random shared = new Random(4711); // the same on every rank: sizes
    Random own = new Random(x.rank()); // delays
    int ranks = x.ranks();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] out = new MemorySegment[ranks];
      MemorySegment[] in = new MemorySegment[ranks];
      for (int r = 0; r < ranks; r++) {
        out[r] = arena.allocate(LARGEST, 64);
        in[r] = arena.allocate(LARGEST, 64);
      }
      @Nullable MemorySegment[] send = new MemorySegment[ranks];
      @Nullable MemorySegment[] receive = new MemorySegment[ranks];
      for (int i = 0; i < swaps; i++) {
        if (i % 10 == 0) {
          x.beginStep(1 + i / 10);
        }
        for (int from = 0; from < ranks; from++) {
          for (int to = 0; to < ranks; to++) {
            int bytes = size(shared);
            if (from == x.rank()) {
              send[to] = fill(out[to].asSlice(0, bytes), seed(i, from, to));
            }
            if (to == x.rank()) {
              receive[from] = in[from].asSlice(0, bytes);
            }
          }
        }
        pause(own);
        x.swap(i, POINTS.get(i % POINTS.size()), send, receive);
        for (int r = 0; r < ranks; r++) {
          MemorySegment got = receive[r];
          if (r != x.rank() && got != null) {
            check(got, seed(i, r, x.rank()));
          }
        }
      }
    }
  }

  /** Mostly as in decoding, sometimes nothing, sometimes more than all slots hold. */
  private static int size(Random random) {
    return switch (random.nextInt(40)) {
      case 0, 1 -> 0;
      case 2 -> random.nextInt(LARGEST);
      case 3 -> SharedLane.SLOT_BYTES * (1 + random.nextInt(3));
      default -> 1 + random.nextInt(9000);
    };
  }

  private static void pause(Random random) {
    switch (random.nextInt(30)) {
      case 0 -> LockSupport.parkNanos(random.nextInt(1_000_000));
      case 1, 2, 3, 4, 5 -> {
        long until = System.nanoTime() + random.nextInt(30_000);
        while (System.nanoTime() - until < 0) {
          Thread.onSpinWait();
        }
      }
      default -> {}
    }
  }

  private static int seed(int swap, int from, int to) {
    return swap * 64 + from * 8 + to + 1;
  }

  private static MemorySegment fill(MemorySegment part, int seed) {
    long bytes = part.byteSize();
    part.fill((byte) seed);
    if (bytes >= 8) {
      part.set(ValueLayout.JAVA_INT_UNALIGNED, 0, seed);
      part.set(ValueLayout.JAVA_INT_UNALIGNED, bytes - 4, ~seed);
    }
    return part;
  }

  private static void check(MemorySegment part, int seed) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment expected = fill(arena.allocate(part.byteSize()), seed);
      assertThat(part.mismatch(expected)).isEqualTo(-1);
    }
  }

  /** A rank goes while its peer polls, or sleeps, for a part of which half has come. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1_000_000_000_000L})
  void aPeerThatGoesIsNoticed(long spinNanos) throws Exception {
    Side side = new Side(ExchangeMode.SHARED_MEMORY, folder);
    try (RankPair pair = new RankPair(side, side)) {
      List<PeerMesh> meshes = pair.connect(5);
      Exchange stays = pair.exchange(meshes.get(0), PATIENT, spinNanos);
      Exchange goes = pair.exchange(meshes.get(1), PATIENT, spinNanos);
      CountDownLatch half = new CountDownLatch(1);
      Future<?> waiter =
          LoopGroup.on(
              pair.loop(0),
              () -> {
                swap(stays, 1, 64, 64);
                half.countDown();
                swap(stays, 2, 64, 4 * SharedLane.SLOT_BYTES);
                return null;
              });
      Future<?> first =
          LoopGroup.on(
              pair.loop(1),
              () -> {
                swap(goes, 1, 64, 64);
                return null;
              });
      assertThat(half.await(WAIT.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
      first.get(10, TimeUnit.SECONDS);
      goes.close();
      assertThatThrownBy(() -> waiter.get(10, TimeUnit.SECONDS))
          .hasMessageContainingAll("epoch 5", "step 2", "layer 7", "DOWN", "rank 1")
          .cause()
          .isInstanceOfSatisfying(
              ExchangeException.class, e -> assertThat(e.kind()).isEqualTo(Kind.LOST));
      stays.close();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 200_000})
  void epochsFollowEachOther(long spinNanos) throws Exception {
    Side side = new Side(ExchangeMode.SHARED_MEMORY, folder);
    try (RankPair pair = new RankPair(side, side)) {
      for (long epoch = 1; epoch <= 25; epoch++) {
        List<Future<?>> swaps = new ArrayList<>();
        List<Exchange> exchanges = new ArrayList<>();
        for (PeerMesh mesh : pair.connect(epoch)) {
          Exchange x = pair.exchange(mesh, PATIENT, spinNanos);
          exchanges.add(x);
          swaps.add(
              LoopGroup.on(
                  pair.loop(mesh.rank()),
                  () -> {
                    swapAtRandom(x, 40);
                    return null;
                  }));
        }
        for (Future<?> swap : swaps) {
          swap.get(20, TimeUnit.SECONDS);
        }
        if (epoch % 2 == 0) { // one waits when the epoch ends
          Exchange waiting = exchanges.get(0);
          Future<?> cut =
              LoopGroup.on(
                  pair.loop(0),
                  () -> {
                    swap(waiting, 99, 8, 8);
                    return null;
                  });
          waiting.close();
          assertThatThrownBy(() -> cut.get(10, TimeUnit.SECONDS))
              .hasCauseInstanceOf(ExchangeException.class);
        }
        exchanges.forEach(Exchange::close);
      }
      assertThat(folder).isEmptyDirectory();
    }
  }

  private static void swap(Exchange x, long step, int sent, int received) {
    x.beginStep(step);
    int other = 1 - x.rank();
    @Nullable MemorySegment[] send = new MemorySegment[2];
    @Nullable MemorySegment[] receive = new MemorySegment[2];
    send[other] = Arena.ofAuto().allocate(sent);
    receive[other] = Arena.ofAuto().allocate(received);
    x.swap(7, ExchangePoint.DOWN, send, receive);
  }
}
