package io.ladon.coordinator.cluster;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.proto.FetchSlicesRequest;
import io.ladon.proto.SliceChunk;
import io.ladon.proto.SliceRef;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends workers the slices of the checkpoint that they lack. Reads happen on a thread of its own,
 * as much at a time as the worker takes.
 */
public final class Slices implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Slices.class);

  /** Bytes of one message. */
  public static final int CHUNK_BYTES = 1 << 20;

  private static final int CLOSE_SECONDS = 5;

  private final SliceSource source;
  private final String fingerprint;
  private final SliceChecksums checksums; // of the reader
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("ladon-slices").factory());

  /**
   * @param fingerprint of the checkpoint, which workers name
   * @param checksums of its slices
   */
  public Slices(SliceSource source, String fingerprint, SliceChecksums checksums) {
    this.source = source;
    this.fingerprint = fingerprint;
    this.checksums = checksums;
  }

  /** Answers a worker's request. */
  void send(FetchSlicesRequest request, ServerCallStreamObserver<SliceChunk> call) {
    if (!request.getCheckpoint().equals(fingerprint)) {
      call.onError(
          Status.FAILED_PRECONDITION
              .withDescription(
                  "checkpoint %s is wanted, %s is served"
                      .formatted(request.getCheckpoint(), fingerprint))
              .asRuntimeException());
      return;
    }
    Transfer transfer = new Transfer(request, call);
    call.setOnReadyHandler(() -> submit(transfer));
    call.setOnCancelHandler(transfer::cancelled);
    submit(transfer);
  }

  private void submit(Transfer transfer) {
    try {
      reader.execute(transfer);
    } catch (RejectedExecutionException e) {
      // Closed; the server's shutdown ends the call.
      log.debug("a fetch is refused: the coordinator is shutting down", e);
    }
  }

  /** One request on its way. Runs on the reader's thread. */
  private final class Transfer implements Runnable {

    private final FetchSlicesRequest request;
    private final ServerCallStreamObserver<SliceChunk> call;
    private int next; // slice
    private int confirmed; // slices before it, which the worker has not been told yet
    private @Nullable MemorySegment bytes; // of the slice under way
    private long offset; // in it
    private int checksum;
    private boolean done;

    Transfer(FetchSlicesRequest request, ServerCallStreamObserver<SliceChunk> call) {
      this.request = request;
      this.call = call;
    }

    /** Also told of a worker that has all and did not wait for the end. */
    void cancelled() {
      if (next < request.getSlicesCount()) {
        log.info("a worker has cancelled its fetch of epoch {}", request.getEpoch());
      }
    }

    @Override
    public void run() {
      try {
        while (!done && call.isReady() && !call.isCancelled()) {
          if (next < request.getSlicesCount()) {
            advance();
          } else if (confirmed > 0) {
            tellConfirmed();
          } else {
            done = true;
            checksums.keep();
            call.onCompleted();
          }
        }
      } catch (IOException | RuntimeException e) {
        done = true;
        if (!call.isCancelled()) {
          log.warn("slices cannot be sent", e);
          Status status = e instanceof IOException ? Status.INVALID_ARGUMENT : Status.INTERNAL;
          call.onError(status.withDescription(e.getMessage()).asRuntimeException());
        }
      }
    }

    /** Sends a chunk, or a word on slices that the worker has, or finds that it has one more. */
    private void advance() throws IOException {
      SliceRef ref = request.getSlices(next);
      MemorySegment slice = bytes;
      if (slice == null) {
        TensorSlice wanted =
            new TensorSlice(
                ref.getTensor(),
                ref.getRowBegin(),
                ref.getRowEnd(),
                ref.getColumnBegin(),
                ref.getColumnEnd());
        if (isThere(ref, checksums.known(wanted))) {
          confirm(); // what was read at an earlier start is not read again
          return;
        }
        if (confirmed > 0) {
          tellConfirmed(); // reading may take a while
          return;
        }
        slice = source.slice(wanted);
        checksum = checksums.of(wanted, slice);
        if (isThere(ref, checksum)) {
          confirm();
          return;
        }
        bytes = slice;
        offset = 0;
      }
      long length = Math.min(CHUNK_BYTES, slice.byteSize() - offset);
      // The mapped file is copied when gRPC writes the message, and outlives the server.
      ByteBuffer data = slice.asSlice(offset, length).asByteBuffer();
      SliceChunk.Builder chunk =
          SliceChunk.newBuilder()
              .setSlice(next)
              .setOffset(offset)
              .setCrc32C(checksum)
              .setData(UnsafeByteOperations.unsafeWrap(data));
      offset += length;
      if (offset == slice.byteSize()) {
        chunk.setLast(true);
        bytes = null;
        next++;
      }
      call.onNext(chunk.build());
    }

    private static boolean isThere(SliceRef ref, @Nullable Integer checksum) {
      return checksum != null && ref.getHave() && ref.getHaveCrc32C() == checksum;
    }

    private void confirm() {
      next++;
      confirmed++;
    }

    private void tellConfirmed() {
      SliceChunk unchanged =
          SliceChunk.newBuilder().setSlice(next - confirmed).setUnchanged(confirmed).build();
      confirmed = 0;
      call.onNext(unchanged);
    }
  }

  /** Sends nothing more, and reads nothing more of the checkpoint. Idempotent. */
  @Override
  public void close() {
    reader.shutdownNow();
    try {
      if (!reader.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("a slice is still being read after {} s", CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
