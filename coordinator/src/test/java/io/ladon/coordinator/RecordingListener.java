package io.ladon.coordinator;

import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Keeps what a request's listener hears. */
public final class RecordingListener implements GenerationListener {

  public final List<GeneratedToken> tokens = new CopyOnWriteArrayList<>();
  public volatile @Nullable FinishReason reason;
  public volatile @Nullable Usage usage;
  public volatile @Nullable ServiceException error;

  private final CountDownLatch over = new CountDownLatch(1);
  private volatile Consumer<GeneratedToken> onToken = token -> {};

  /** Something to do at every token. */
  public RecordingListener onEach(Consumer<GeneratedToken> action) {
    onToken = action;
    return this;
  }

  @Override
  public void onToken(GeneratedToken token) {
    checkNotOver();
    tokens.add(token);
    onToken.accept(token);
  }

  @Override
  public void onEnd(FinishReason why, Usage used) {
    checkNotOver();
    usage = used;
    reason = why;
    over.countDown();
  }

  @Override
  public void onError(ServiceException failure) {
    checkNotOver();
    error = failure;
    over.countDown();
  }

  public List<Integer> ids() {
    return tokens.stream().map(GeneratedToken::id).toList();
  }

  /** Waits for the end, whichever it is. */
  public RecordingListener await(Duration limit) throws InterruptedException {
    if (!over.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("no end within " + limit + "; " + tokens.size() + " tokens so far");
    }
    return this;
  }

  private void checkNotOver() {
    if (over.getCount() == 0) {
      throw new AssertionError("something was told after the end");
    }
  }
}
