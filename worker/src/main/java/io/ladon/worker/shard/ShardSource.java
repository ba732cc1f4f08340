package io.ladon.worker.shard;

import io.grpc.Channel;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorSlice;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The slices that one rank owns, each proven by the coordinator's checksum: a view of a local copy
 * of the checkpoint where that has the right bytes, else a file of the cache, which is filled from
 * the coordinator. Everything is mapped; nothing is copied to the heap.
 */
public final class ShardSource implements SliceSource, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ShardSource.class);

  private final Arena arena = Arena.ofShared();
  private final GgufHeader header;
  private final ShardCache cache;
  private final BooleanSupplier unwanted;
  private final @Nullable GgufFile local;
  private final Map<TensorSlice, MemorySegment> cached = new HashMap<>();
  private final Set<TensorSlice> ofLocal = new HashSet<>();
  private long fetchedBytes;

  private ShardSource(
      GgufHeader header, ShardCache cache, @Nullable GgufFile local, BooleanSupplier unwanted) {
    this.header = header;
    this.cache = cache;
    this.local = local;
    this.unwanted = unwanted;
  }

  /**
   * What a load is about.
   *
   * @param slices what the rank owns
   * @param copies where a local copy of the checkpoint may be, best first
   * @param patience longest silence of the coordinator
   * @param unwanted whether to give up; asked often
   */
  public record Request(
      long epoch,
      GgufHeader header,
      String fingerprint,
      List<TensorSlice> slices,
      List<Path> copies,
      Path cacheDirectory,
      Duration patience,
      BooleanSupplier unwanted) {}

  /**
   * Gets everything, or fails.
   *
   * @throws IOException naming the tensor that could not be had or fails its checksum
   */
  public static ShardSource open(Request request, Channel coordinator) throws IOException {
    ShardCache cache = new ShardCache(request.cacheDirectory(), request.fingerprint());
    ShardSource source =
        new ShardSource(request.header(), cache, localCopy(request), request.unwanted());
    try {
      source.prove(request, coordinator);
      return source;
    } catch (IOException | RuntimeException | Error e) {
      source.close();
      throw e;
    }
  }

  private static @Nullable GgufFile localCopy(Request request) {
    for (Path path : request.copies()) {
      if (!Files.isReadable(path)) {
        continue;
      }
      try {
        GgufFile file = GgufFile.open(path);
        if (file.header().fingerprint().equals(request.fingerprint())) {
          log.info("event=local_copy epoch={} path={}", request.epoch(), path);
          return file;
        }
        file.close();
        log.warn("event=local_copy_differs epoch={} path={}", request.epoch(), path);
      } catch (IOException e) {
        log.warn(
            "event=local_copy_unreadable epoch={} path={} error=\"{}\"",
            request.epoch(),
            path,
            e.getMessage());
      }
    }
    return null;
  }

  private void prove(Request request, Channel coordinator) throws IOException {
    List<SliceFetcher.Wanted> wanted = new ArrayList<>();
    for (TensorSlice slice : request.slices()) {
      MemorySegment bytes = candidate(slice);
      wanted.add(
          new SliceFetcher.Wanted(
              slice, bytesOf(slice), bytes != null, bytes == null ? 0 : Checksums.crc32c(bytes)));
    }
    fetchedBytes =
        new SliceFetcher(coordinator, request.patience(), unwanted)
            .fetch(
                request.fingerprint(),
                request.epoch(),
                wanted,
                cache,
                index -> use(wanted.get(index)));
  }

  /** Bytes that are here and may be right; null for none. */
  private @Nullable MemorySegment candidate(TensorSlice slice) throws IOException {
    checkWanted();
    GgufFile copy = local;
    if (copy != null) {
      ofLocal.add(slice);
      return copy.slice(slice);
    }
    MemorySegment mapped = cache.map(slice, bytesOf(slice), arena);
    if (mapped != null) {
      cached.put(slice, mapped);
    }
    return mapped;
  }

  private void use(SliceFetcher.Wanted sent) throws IOException {
    TensorSlice slice = sent.slice();
    if (sent.have()) {
      log.warn(
          "event=slice_repaired tensor={} rows={} bytes={} place={}",
          slice.tensor(),
          slice.rows(),
          sent.bytes(),
          ofLocal.contains(slice) ? "local_copy" : "cache");
    }
    ofLocal.remove(slice);
    MemorySegment mapped = cache.map(slice, sent.bytes(), arena);
    if (mapped == null) {
      throw new IOException("tensor " + slice.tensor() + ": " + cache.file(slice) + " is gone");
    }
    cached.put(slice, mapped);
  }

  /** Bytes that the coordinator had to send. */
  public long fetchedBytes() {
    return fetchedBytes;
  }

  @Override
  public MemorySegment slice(TensorSlice slice) throws IOException {
    checkWanted();
    MemorySegment mapped = cached.get(slice);
    if (mapped != null) {
      return mapped;
    }
    if (local != null && ofLocal.contains(slice)) {
      return local.slice(slice);
    }
    throw new IOException(
        "tensor %s: slice %s is not one of this rank's".formatted(slice.tensor(), slice));
  }

  private long bytesOf(TensorSlice slice) throws IOException {
    TensorInfo tensor = header.tensor(slice.tensor());
    return tensor.type().bytesFor(slice.columns()) * slice.rows();
  }

  private void checkWanted() throws InterruptedIOException {
    if (unwanted.getAsBoolean()) {
      throw new InterruptedIOException("the load is not wanted any more");
    }
  }

  /** Unmaps everything. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    if (local != null) {
      local.close();
    }
  }
}
