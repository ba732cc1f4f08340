package io.ladon.worker.member;

import io.ladon.engine.exchange.ExchangeException;
import io.ladon.proto.FailureCode;
import io.ladon.proto.RankFailure;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.shard.LoadException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What the coordinator is told of an exception. */
final class Failures {

  private Failures() {}

  /** A step, or a request for logits, that failed. */
  static WorkerMessage ofStep(long epoch, long step, Throwable thrown) {
    if (thrown instanceof ExchangeException e) {
      return message(
          start(epoch, step, code(e.kind()), e)
              .setMissingRank(e.missingRank())
              .setLayer(e.layer())
              .setPoint(e.point().name()));
    }
    FailureCode code =
        thrown instanceof IllegalArgumentException ? FailureCode.BAD_STEP : FailureCode.STEP_FAILED;
    return message(start(epoch, step, code, thrown));
  }

  /** A load that failed. */
  static WorkerMessage ofLoad(long epoch, Throwable thrown) {
    FailureCode code =
        switch (thrown) {
          case LoadException e -> e.code();
          case OutOfMemoryError e -> FailureCode.OUT_OF_MEMORY;
          default -> FailureCode.LOAD_FAILED;
        };
    return message(start(epoch, 0, code, thrown));
  }

  /** A peer that could not be reached, or is gone. */
  static WorkerMessage ofPeer(long epoch, int rank, String reason) {
    return message(
        start(epoch, 0, FailureCode.PEER_LOST, "rank " + rank + " " + reason).setMissingRank(rank));
  }

  /** Anything else. */
  static WorkerMessage of(long epoch, long step, FailureCode code, String text) {
    return message(start(epoch, step, code, text));
  }

  static FailureCode code(ExchangeException.Kind kind) {
    return switch (kind) {
      case TIMEOUT -> FailureCode.EXCHANGE_TIMEOUT;
      case MISMATCH -> FailureCode.EXCHANGE_MISMATCH;
      case LOST -> FailureCode.PEER_LOST;
      case CLOSED -> FailureCode.STALE_EPOCH;
    };
  }

  private static RankFailure.Builder start(
      long epoch, long step, FailureCode code, Throwable thrown) {
    String text = thrown.getMessage();
    return start(epoch, step, code, text != null && !isSurprise(thrown) ? text : thrown.toString());
  }

  /** Whether the message alone does not tell what happened. */
  static boolean isSurprise(Throwable thrown) {
    return !(thrown instanceof ExchangeException
        || thrown instanceof LoadException
        || thrown instanceof IllegalArgumentException
        || thrown instanceof IOException);
  }

  private static RankFailure.Builder start(
      long epoch, long step, FailureCode code, @Nullable String text) {
    return RankFailure.newBuilder()
        .setEpoch(epoch)
        .setStep(step)
        .setCode(code)
        .setMessage(text == null ? code.name() : text)
        .setMissingRank(-1)
        .setLayer(-1);
  }

  private static WorkerMessage message(RankFailure.Builder failure) {
    return WorkerMessage.newBuilder().setFailure(failure).build();
  }
}
