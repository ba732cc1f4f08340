package io.ladon.engine.exchange;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * All ranks of an epoch in one process, each with the thread that calls its exchange.
 *
 * @param members by rank
 * @param closer ends what lies beneath
 */
public record ExchangeGroup(List<Member> members, Runnable closer) implements AutoCloseable {

  /** Longest wait of a test for a thread. */
  public static final Duration WAIT = Duration.ofSeconds(60);

  /** One rank. */
  public interface Member {
    /** For reading its place, and for closing; everything else goes through {@link #call}. */
    Exchange exchange();

    /** Runs something on this rank's thread. */
    <T extends @Nullable Object> Future<T> call(Function<Exchange, T> work);
  }

  /** Gives each exchange a thread. */
  public static ExchangeGroup ofThreads(List<? extends Exchange> exchanges) {
    List<Member> members = new ArrayList<>();
    List<ExecutorService> threads = new ArrayList<>();
    for (Exchange exchange : exchanges) {
      ExecutorService thread =
          Executors.newSingleThreadExecutor(
              Thread.ofPlatform().daemon().name("rank-" + exchange.rank()).factory());
      threads.add(thread);
      members.add(
          new Member() {
            @Override
            public Exchange exchange() {
              return exchange;
            }

            @Override
            public <T extends @Nullable Object> Future<T> call(Function<Exchange, T> work) {
              return thread.submit(() -> work.apply(exchange));
            }
          });
    }
    return new ExchangeGroup(members, () -> threads.forEach(ExecutorService::shutdownNow));
  }

  /** Runs something on every rank's thread at once. */
  public <T extends @Nullable Object> List<Future<T>> each(Function<Exchange, T> work) {
    List<Future<T>> futures = new ArrayList<>();
    for (Member member : members) {
      futures.add(member.call(work));
    }
    return futures;
  }

  /** Waits for all, and throws what the first failed one threw. */
  public static <T extends @Nullable Object> List<T> all(List<Future<T>> futures) throws Exception {
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get(WAIT.toMillis(), TimeUnit.MILLISECONDS));
    }
    return results;
  }

  @Override
  public void close() {
    for (Member member : members) {
      member.exchange().close();
    }
    closer.run();
  }
}
