package io.ladon.engine.exchange;

import static io.ladon.engine.exchange.ExchangeGroup.WAIT;
import static io.ladon.engine.exchange.ExchangeGroup.all;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.engine.exchange.ExchangeGroup.Member;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every implementation of {@link Exchange} does. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class ExchangeContract {

  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final Duration HASTY = Duration.ofMillis(300);
  private static final long EPOCH = 7;

  /** Connected exchanges of one epoch, whose swaps may take as long as {@code timeout}. */
  protected abstract ExchangeGroup open(int ranks, long epoch, Duration timeout) throws Exception;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void knowsItsPlace(int ranks) throws Exception {
    try (ExchangeGroup group = open(ranks, EPOCH, PATIENT)) {
      assertThat(group.members()).hasSize(ranks);
      for (int r = 0; r < ranks; r++) {
        assertThat(group.members().get(r).exchange().rank()).isEqualTo(r);
        assertThat(group.members().get(r).exchange().ranks()).isEqualTo(ranks);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 64",
    "2, 0",
    "2, 1",
    "2, 1001",
    "2, 4194304",
    "3, 0",
    "3, 1",
    "3, 77",
    "3, 4194305",
    "5, 1",
    "5, 333",
    "5, 1048577"
  })
  void everyRankGetsWhatEachOtherSentIt(int ranks, int bytes) throws Exception {
    try (ExchangeGroup group = open(ranks, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                x.beginStep(1);
                swapAndCheck(x, 0, ExchangePoint.HEADS, bytes);
                return null;
              }));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void manySwapsInARowKeepTheirOrder(int ranks) throws Exception {
    try (ExchangeGroup group = open(ranks, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                for (int step = 1; step <= 3; step++) {
                  x.beginStep(step);
                  for (int layer = 0; layer < 20; layer++) {
                    swapAndCheck(x, layer, ExchangePoint.HEADS, 100 + layer);
                    swapAndCheck(x, layer, ExchangePoint.DOWN, 2000 - layer);
                  }
                }
                return null;
              }));
    }
  }

  @Test
  void workOfTheMeantimeChangesNothing() throws Exception {
    try (ExchangeGroup group = open(3, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                int[] left = {10_000 * x.rank()};
                x.meanwhile(() -> left[0] > 0 && left[0]-- > 0);
                x.beginStep(1);
                for (int layer = 0; layer < 20; layer++) {
                  swapAndCheck(x, layer, ExchangePoint.DOWN, 300_000);
                }
                return null;
              }));
    }
  }

  @Test
  void oneSegmentMayGoToAllAndBeWrittenAgainAfterwards() throws Exception {
    try (ExchangeGroup group = open(3, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                MemorySegment own = Arena.ofAuto().allocate(512);
                MemorySegment[] send = {own, own, own};
                x.beginStep(1);
                for (int layer = 0; layer < 50; layer++) {
                  own.fill((byte) (10 * x.rank() + layer));
                  MemorySegment[] receive = segments(3, 512);
                  x.swap(layer, ExchangePoint.OUTPUT, send, receive);
                  for (int r = 0; r < 3; r++) {
                    if (r != x.rank()) {
                      byte expected = (byte) (10 * r + layer);
                      assertThat(bytes(receive[r])).containsOnly(expected).hasSize(512);
                    }
                  }
                }
                return null;
              }));
    }
  }

  @Test
  void partsMayDifferInSizeAndBeAbsent() throws Exception {
    // Rank 0 sends (rank + 1) * 10 bytes to each other; rank 2 answers rank 0 alone; rank 1 nobody.
    int[][] size = {{0, 20, 30}, {0, 0, 0}, {5, 0, 0}};
    try (ExchangeGroup group = open(3, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                x.beginStep(1);
                for (int layer = 0; layer < 3; layer++) {
                  int me = x.rank();
                  @Nullable MemorySegment[] send = new MemorySegment[3];
                  @Nullable MemorySegment[] receive = new MemorySegment[3];
                  for (int r = 0; r < 3; r++) {
                    send[r] = size[me][r] == 0 ? absent(layer) : part(me, r, layer, size[me][r]);
                    receive[r] =
                        size[r][me] == 0 ? absent(layer) : Arena.ofAuto().allocate(size[r][me]);
                  }
                  x.swap(layer, ExchangePoint.GATED, send, receive);
                  for (int r = 0; r < 3; r++) {
                    MemorySegment got = receive[r];
                    if (size[r][me] > 0 && got != null) {
                      assertThat(bytes(got)).isEqualTo(bytes(part(r, me, layer, size[r][me])));
                    }
                  }
                }
                return null;
              }));
    }
  }

  private static @Nullable MemorySegment absent(int layer) {
    return layer == 0 ? null : Arena.ofAuto().allocate(0);
  }

  @Test
  void aRankThatStaysAwayIsNamedWhenTheDeadlinePasses() throws Exception {
    try (ExchangeGroup group = open(3, EPOCH, HASTY)) {
      for (Member member : group.members()) {
        if (member.exchange().rank() != 1) {
          Throwable thrown = failureOf(member.call(x -> swapOnce(x, 42, 3, ExchangePoint.DOWN, 8)));
          assertThat(thrown)
              .isInstanceOfSatisfying(
                  ExchangeException.class,
                  e -> {
                    assertThat(e.kind()).isEqualTo(Kind.TIMEOUT);
                    assertThat(e.epoch()).isEqualTo(EPOCH);
                    assertThat(e.step()).isEqualTo(42);
                    assertThat(e.layer()).isEqualTo(3);
                    assertThat(e.point()).isEqualTo(ExchangePoint.DOWN);
                  })
              .hasMessageContainingAll("epoch 7", "step 42", "layer 3", "DOWN");
          if (member.exchange().rank() == 0) {
            assertThat(((ExchangeException) thrown).missingRank()).isEqualTo(1);
          }
          assertThat(failureOf(member.call(x -> swapOnce(x, 43, 0, ExchangePoint.HEADS, 8))))
              .as("every later call")
              .isInstanceOf(ExchangeException.class);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 2, HEADS, 16", // another step
    "2, 0, HEADS, 16", // another layer
    "2, 2, DOWN, 16", // another point
    "2, 2, HEADS, 15", // too few bytes
    "2, 2, HEADS, 17" // too many
  })
  void aPartOfAnotherExchangeIsRefused(long step, int layer, ExchangePoint point, int bytes)
      throws Exception {
    try (ExchangeGroup group = open(2, EPOCH, PATIENT)) {
      Future<?> right =
          group.members().get(0).call(x -> swapOnce(x, 2, 2, ExchangePoint.HEADS, 16));
      Future<?> wrong = group.members().get(1).call(x -> swapOnce(x, step, layer, point, bytes));
      Throwable first = failureOf(right);
      group.members().get(0).exchange().close();
      Throwable second = failureOf(wrong);
      // Either may notice; whoever does names the other.
      assertThat(isMismatchWith(1, first) || isMismatchWith(0, second))
          .as("%s / %s", first, second)
          .isTrue();
    }
  }

  private static boolean isMismatchWith(int rank, Throwable thrown) {
    return ((ExchangeException) thrown).kind() == Kind.MISMATCH
        && ((ExchangeException) thrown).missingRank() == rank;
  }

  @Test
  void closingWakesTheOneWhoWaits() throws Exception {
    try (ExchangeGroup group = open(2, EPOCH, PATIENT)) {
      CountDownLatch entered = new CountDownLatch(1);
      Member waiter = group.members().get(0);
      Future<?> waiting =
          waiter.call(
              x -> {
                entered.countDown();
                return swapOnce(x, 1, 0, ExchangePoint.HEADS, 8);
              });
      assertThat(entered.await(WAIT.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
      waiter.exchange().close();
      waiter.exchange().close(); // idempotent
      assertThat(failureOf(waiting))
          .isInstanceOfSatisfying(
              ExchangeException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CLOSED));
      assertThat(failureOf(waiter.call(x -> swapOnce(x, 1, 1, ExchangePoint.HEADS, 8))))
          .isInstanceOf(ExchangeException.class);
    }
  }

  @Test
  void aRankMayBeAheadOfAnother() throws Exception {
    try (ExchangeGroup group = open(3, EPOCH, PATIENT)) {
      CountDownLatch othersWait = new CountDownLatch(2);
      List<Future<Void>> futures = new ArrayList<>();
      for (Member member : group.members()) {
        futures.add(
            member.call(
                x -> {
                  x.beginStep(1);
                  swapAndCheck(x, 0, ExchangePoint.HEADS, 3_000_000);
                  if (x.rank() == 2) {
                    await(othersWait);
                  } else {
                    othersWait.countDown();
                  }
                  swapAndCheck(x, 0, ExchangePoint.DOWN, 2_000_000);
                  swapAndCheck(x, 1, ExchangePoint.HEADS, 9);
                  return null;
                }));
      }
      all(futures);
    }
  }

  @Test
  void countsBytesSentAndTimeWaitedSinceTheStepBegan() throws Exception {
    try (ExchangeGroup group = open(3, EPOCH, PATIENT)) {
      all(
          group.each(
              x -> {
                x.beginStep(1);
                assertThat(x.sentBytes()).isZero();
                assertThat(x.waitedNanos()).isZero();
                swapAndCheck(x, 0, ExchangePoint.HEADS, 1000);
                swapAndCheck(x, 0, ExchangePoint.DOWN, 24);
                assertThat(x.sentBytes()).isEqualTo(2 * 1024);
                assertThat(x.waitedNanos()).isPositive();
                x.beginStep(2);
                assertThat(x.sentBytes()).isZero();
                assertThat(x.waitedNanos()).isZero();
                return null;
              }));
    }
  }

  // ---------------------------------------------------------------- helpers

  /** Each rank sends each other a part of its own making, and knows what the others make. */
  protected static void swapAndCheck(Exchange x, int layer, ExchangePoint point, int bytes) {
    int salt = layer * 10 + point.number();
    MemorySegment[] send = new MemorySegment[x.ranks()];
    for (int r = 0; r < send.length; r++) {
      send[r] = part(x.rank(), r, salt, bytes);
    }
    MemorySegment[] receive = segments(x.ranks(), bytes);
    x.swap(layer, point, send, receive);
    for (int r = 0; r < x.ranks(); r++) {
      if (r != x.rank()) {
        assertThat(receive[r].mismatch(part(r, x.rank(), salt, bytes)))
            .as("first wrong byte from rank %d to %d, layer %d %s", r, x.rank(), layer, point)
            .isEqualTo(-1);
      }
    }
  }

  /** A step with one swap of equal parts. */
  protected static @Nullable Void swapOnce(
      Exchange x, long step, int layer, ExchangePoint point, int bytes) {
    x.beginStep(step);
    x.swap(layer, point, segments(x.ranks(), bytes), segments(x.ranks(), bytes));
    return null;
  }

  /** The bytes that a rank makes for another. */
  protected static MemorySegment part(int from, int to, int salt, int bytes) {
    byte[] content = new byte[bytes];
    int state = from * 31 + to * 17 + salt;
    for (int i = 0; i < bytes; i++) {
      state = state * 1_664_525 + 1_013_904_223;
      content[i] = (byte) (state >>> 24);
    }
    MemorySegment segment = Arena.ofAuto().allocate(bytes, 64);
    segment.copyFrom(MemorySegment.ofArray(content));
    return segment;
  }

  protected static MemorySegment[] segments(int count, int bytes) {
    MemorySegment[] segments = new MemorySegment[count];
    for (int i = 0; i < count; i++) {
      segments[i] = Arena.ofAuto().allocate(bytes, 64);
    }
    return segments;
  }

  protected static Throwable failureOf(Future<?> future) {
    Throwable thrown = catchThrowable(() -> future.get(WAIT.toMillis(), TimeUnit.MILLISECONDS));
    assertThat(thrown).isInstanceOf(ExecutionException.class);
    return Objects.requireNonNull(thrown.getCause());
  }

  private static byte[] bytes(MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_BYTE);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(WAIT.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }
}
