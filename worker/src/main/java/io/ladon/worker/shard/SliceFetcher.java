package io.ladon.worker.shard;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.FetchSlicesRequest;
import io.ladon.proto.SliceChunk;
import io.ladon.proto.SliceRef;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Asks the coordinator about all slices of a shard at once: what the worker has is confirmed by its
 * checksum, what it lacks is sent and goes to the cache.
 */
final class SliceFetcher {

  private static final long LOOK_MILLIS = 200; // between two looks whether the load is still wanted

  private final Channel channel;
  private final Duration patience;
  private final BooleanSupplier unwanted;

  /**
   * @param patience longest silence of the coordinator
   * @param unwanted whether to give up
   */
  SliceFetcher(Channel channel, Duration patience, BooleanSupplier unwanted) {
    this.channel = channel;
    this.patience = patience;
    this.unwanted = unwanted;
  }

  /**
   * One slice to be had.
   *
   * @param bytes its size
   * @param have whether the worker has bytes that may be right, with checksum {@code crc}
   */
  record Wanted(TensorSlice slice, long bytes, boolean have, int crc) {}

  /** Told of every slice that was sent instead of confirmed. */
  interface Sent {
    /**
     * The slice of index {@code wanted} is now in the cache.
     *
     * @param crc its CRC-32C
     */
    void sent(int wanted, int crc) throws IOException;
  }

  /**
   * Fetches.
   *
   * @return bytes that were sent
   * @throws IOException naming the tensor and what is wrong with it
   */
  long fetch(String checkpoint, long epoch, List<Wanted> wanted, ShardCache cache, Sent sent)
      throws IOException {
    FetchSlicesRequest.Builder request =
        FetchSlicesRequest.newBuilder().setCheckpoint(checkpoint).setEpoch(epoch);
    for (Wanted one : wanted) {
      request.addSlices(
          SliceRef.newBuilder()
              .setTensor(one.slice().tensor())
              .setRowBegin(one.slice().rowBegin())
              .setRowEnd(one.slice().rowEnd())
              .setColumnBegin(one.slice().columnBegin())
              .setColumnEnd(one.slice().columnEnd())
              .setHave(one.have())
              .setHaveCrc32C(one.crc()));
    }
    BlockingClientCall<FetchSlicesRequest, SliceChunk> call =
        ClientCalls.blockingV2ServerStreamingCall(
            channel, ClusterGrpc.getFetchSlicesMethod(), CallOptions.DEFAULT, request.build());
    try {
      long bytes = 0;
      int i = 0;
      while (i < wanted.size()) {
        SliceChunk chunk = next(call, wanted.get(i));
        check(chunk.getSlice() == i, wanted.get(i), "slice " + chunk.getSlice() + " came instead");
        if (chunk.getUnchanged() > 0) {
          i = confirmed(chunk, wanted);
        } else {
          bytes += receive(call, chunk, wanted.get(i), cache, sent);
          i++;
        }
      }
      return bytes;
    } finally {
      call.cancel("the load has ended", null); // without effect where the coordinator has, too
    }
  }

  /** The first slice after those that are right as they are here. */
  private static int confirmed(SliceChunk chunk, List<Wanted> wanted) throws IOException {
    int begin = chunk.getSlice();
    int count = chunk.getUnchanged();
    if (count > wanted.size() - begin) {
      throw failed(
          wanted.get(begin),
          "%d slices from %d on are said to be here, of %d".formatted(count, begin, wanted.size()),
          null);
    }
    for (Wanted one : wanted.subList(begin, begin + count)) {
      check(one.have(), one, "nothing came, though nothing was there");
    }
    return begin + count;
  }

  /** Takes in a slice whose first chunk has come. */
  private long receive(
      BlockingClientCall<FetchSlicesRequest, SliceChunk> call,
      SliceChunk first,
      Wanted wanted,
      ShardCache cache,
      Sent sent)
      throws IOException {
    int index = first.getSlice();
    SliceChunk chunk = first;
    try (ShardCache.Entry entry = cache.create(wanted.slice())) {
      CRC32C crc = new CRC32C();
      long received = 0;
      while (true) {
        check(
            chunk.getSlice() == index && chunk.getOffset() == received,
            wanted,
            "byte %d of slice %d came where byte %d of slice %d was due"
                .formatted(chunk.getOffset(), chunk.getSlice(), received, index));
        received += write(chunk, entry, crc);
        if (chunk.getLast()) {
          break;
        }
        chunk = next(call, wanted);
      }
      check(
          received == wanted.bytes(),
          wanted,
          "%d bytes came instead of %d".formatted(received, wanted.bytes()));
      check(
          (int) crc.getValue() == chunk.getCrc32C(),
          wanted,
          "checksum %08x instead of %08x".formatted((int) crc.getValue(), chunk.getCrc32C()));
      entry.commit();
      sent.sent(index, chunk.getCrc32C());
      return received;
    }
  }

  private static long write(SliceChunk chunk, ShardCache.Entry entry, CRC32C crc)
      throws IOException {
    for (ByteBuffer part : chunk.getData().asReadOnlyByteBufferList()) {
      crc.update(part.duplicate());
      while (part.hasRemaining()) {
        entry.channel().write(part);
      }
    }
    return chunk.getData().size();
  }

  private SliceChunk next(BlockingClientCall<FetchSlicesRequest, SliceChunk> call, Wanted wanted)
      throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      if (unwanted.getAsBoolean()) {
        throw new InterruptedIOException("the load is not wanted any more");
      }
      try {
        SliceChunk chunk = call.read(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (chunk == null) {
          throw failed(wanted, "the coordinator ended the transfer", null);
        }
        return chunk;
      } catch (TimeoutException e) {
        if (System.nanoTime() - deadline >= 0) {
          throw failed(
              wanted, "the coordinator sent nothing for " + patience.toMillis() + " ms", e);
        }
      } catch (StatusException e) {
        throw failed(wanted, e.getMessage(), e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("the load was interrupted");
      }
    }
  }

  private static void check(boolean right, Wanted wanted, String what) throws IOException {
    if (!right) {
      throw failed(wanted, what, null);
    }
  }

  private static IOException failed(
      Wanted wanted, @Nullable String what, @Nullable Throwable cause) {
    TensorSlice slice = wanted.slice();
    return new IOException(
        "tensor %s, rows %d to %d, columns %d to %d: %s"
            .formatted(
                slice.tensor(),
                slice.rowBegin(),
                slice.rowEnd(),
                slice.columnBegin(),
                slice.columnEnd(),
                what),
        cause);
  }
}
