package io.ladon.coordinator.api;

import io.ladon.coordinator.generate.ClusterStatus;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.Generation;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.generate.ModelCard;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.TokenLogprob;
import io.ladon.coordinator.generate.Usage;
import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A service that says what a test tells it to say, on a thread of its own. */
public final class ScriptedService implements GenerationService, AutoCloseable {
  public static final int CONTEXT = 512;

  /** What becomes of a request; runs on the cluster's thread. */
  @FunctionalInterface
  public interface Script {
    void run(Play play);
  }

  private final ExecutorService cluster =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("cluster-", 0).factory());
  private final List<GenerationRequest> requests = new CopyOnWriteArrayList<>();
  private final List<Play> plays = new CopyOnWriteArrayList<>();
  private volatile Script script = play -> play.say("Hello world").end();
  private volatile @Nullable ServiceException refusal;
  private volatile @Nullable RuntimeException bug;
  private volatile ClusterStatus status =
      new ClusterStatus(
          true,
          "serving",
          3,
          1,
          List.of(
              new WorkerStatus(
                  "w0",
                  "127.0.0.1:9",
                  0,
                  WorkerStatus.State.CONNECTED,
                  2,
                  100,
                  50,
                  25,
                  0,
                  1,
                  2,
                  "a cpu",
                  "vector")),
          0,
          0,
          8,
          8);

  public void script(Script next) {
    script = next;
  }

  /** The next submissions are refused; null ends that. */
  public void refuse(@Nullable ServiceException with) {
    refusal = with;
  }

  public void status(ClusterStatus next) {
    status = next;
  }

  /** All requests so far. */
  public List<GenerationRequest> requests() {
    return requests;
  }

  /** The latest request. */
  public GenerationRequest request() {
    return requests.getLast();
  }

  public List<Play> plays() {
    return plays;
  }

  @Override
  public ModelCard model() {
    return new ModelCard("test-model", 1_700_000_000, CONTEXT, SPEC);
  }

  /** Asking for the status fails so; null ends that. */
  public void breakStatus(@Nullable RuntimeException with) {
    bug = with;
  }

  @Override
  public ClusterStatus status() {
    RuntimeException failure = bug;
    if (failure != null) {
      throw failure;
    }
    return status;
  }

  @Override
  public Generation submit(GenerationRequest request, GenerationListener listener)
      throws ServiceException {
    ServiceException no = refusal;
    if (no != null) {
      throw no;
    }
    Play play = new Play(request, listener);
    requests.add(request);
    plays.add(play);
    Script now = script;
    cluster.execute(() -> now.run(play));
    return play;
  }

  @Override
  public void close() {
    cluster.shutdownNow();
  }

  /** One running request. */
  public static final class Play implements Generation {
    private final GenerationRequest request;
    private final GenerationListener listener;
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private int tokens;

    Play(GenerationRequest request, GenerationListener listener) {
      this.request = request;
      this.listener = listener;
    }

    @Override
    public void cancel() {
      cancelled.countDown();
    }

    public GenerationRequest request() {
      return request;
    }

    public boolean isCancelled() {
      return cancelled.getCount() == 0;
    }

    /** Waits for it, at most ten seconds. */
    public boolean awaitCancel() {
      try {
        return cancelled.await(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }

    /** Says a token with log-probability -0.5, the alternatives one apart below it. */
    public Play token(int id) {
      List<TokenLogprob> top = new ArrayList<>();
      for (int i = 0; i < request.topLogprobs(); i++) {
        top.add(new TokenLogprob((id + i) % 256, -0.5 - i));
      }
      tokens++;
      listener.onToken(new GeneratedToken(id, request.topLogprobs() < 0 ? Double.NaN : -0.5, top));
      return this;
    }

    public Play tokens(int... ids) {
      for (int id : ids) {
        token(id);
      }
      return this;
    }

    /** Says a text, byte by byte. */
    public Play say(String text) {
      return tokens(ByteTokenizer.bytes(text));
    }

    /** Ends as the model does: with a token that is counted and not told. */
    public void end() {
      tokens++;
      end(FinishReason.STOP);
    }

    public void end(FinishReason reason) {
      listener.onEnd(
          reason,
          new Usage(
              request.prompt().length,
              tokens,
              Duration.ofMillis(40),
              Duration.ofMillis(20),
              Duration.ofMillis(100),
              0.25,
              8,
              6,
              5,
              1));
    }

    /** Waits until it is cancelled, and says so. */
    public void endWhenCancelled() {
      if (awaitCancel()) {
        end(FinishReason.CANCELLED);
      }
    }

    public void error(ServiceException e) {
      listener.onError(e);
    }
  }

  private static final ModelSpec SPEC =
      new ModelSpec(
          "llama",
          "test",
          263,
          CONTEXT,
          1,
          32,
          32,
          1,
          1,
          32,
          1e-5f,
          ModelSpec.Activation.SILU,
          new RopeSpec(RopeSpec.Style.ADJACENT, 32, 10000, 10000, 1, false),
          1,
          1,
          false,
          false,
          false,
          0,
          0,
          true);
}
