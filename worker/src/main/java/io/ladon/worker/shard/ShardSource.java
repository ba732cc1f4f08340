package io.ladon.worker.shard;

import io.grpc.Channel;
import io.ladon.engine.checkpoint.Checksums;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.rank.PackedShelf;
import java.io.Closeable;
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
import java.util.LinkedHashMap;
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
 * the coordinator. Everything is mapped; nothing is copied to the heap. Where the shard was packed
 * before, from slices with the coordinator's checksums, its {@link #shelf} has all and no slice is
 * read.
 */
public final class ShardSource implements SliceSource, Closeable {

  private static final Logger log = LoggerFactory.getLogger(ShardSource.class);

  private final Arena arena = Arena.ofShared();
  private final GgufHeader header;
  private final ShardCache cache;
  private final BooleanSupplier unwanted;
  private @Nullable GgufFile local;
  private final Map<TensorSlice, MemorySegment> cached = new HashMap<>();
  private final Set<TensorSlice> ofLocal = new HashSet<>();
  private final Map<TensorSlice, Integer> proven = new LinkedHashMap<>();
  private final PackedCache packedCache;
  private final PackedWriter packedWriter;
  private @Nullable PackedFile packed;
  private long fetchedBytes;

  private ShardSource(Request request) {
    this.header = request.header();
    this.cache = new ShardCache(request.cacheDirectory(), request.fingerprint());
    this.packedCache =
        new PackedCache(
            request.cacheDirectory(), request.fingerprint(), request.planDigest(), request.rank());
    this.packedWriter = packedCache.writer();
    this.unwanted = request.unwanted();
  }

  /**
   * What a load is about.
   *
   * @param planDigest names the plan, in which the rank is {@code rank}
   * @param slices what the rank owns
   * @param copies where a local copy of the checkpoint may be, best first
   * @param patience longest silence of the coordinator
   * @param unwanted whether to give up; asked often
   */
  public record Request(
      long epoch,
      GgufHeader header,
      String fingerprint,
      String planDigest,
      int rank,
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
    ShardSource source = new ShardSource(request);
    try {
      if (!source.findPacked(request, coordinator)) {
        source.prove(request, coordinator);
      }
      return source;
    } catch (IOException | RuntimeException | Error e) {
      source.close();
      throw e;
    }
  }

  /** Whether the shard was packed before, from what the coordinator has. */
  private boolean findPacked(Request request, Channel coordinator) throws IOException {
    PackedFile file = packedCache.open();
    if (file == null) {
      return false;
    }
    packed = file;
    if (!file.sources().keySet().equals(Set.copyOf(request.slices()))) {
      dropPacked();
      return false;
    }
    List<SliceFetcher.Wanted> wanted = new ArrayList<>();
    for (Map.Entry<TensorSlice, Integer> source : file.sources().entrySet()) {
      TensorSlice slice = source.getKey();
      wanted.add(new SliceFetcher.Wanted(slice, bytesOf(slice), true, source.getValue()));
    }
    // What differs is sent and will be found in the cache of slices.
    if (fetch(request, coordinator, wanted, (_, _) -> {}) > 0) {
      log.warn("event=packed_stale epoch={}", request.epoch());
      dropPacked();
      return false;
    }
    return true;
  }

  /**
   * Removes the packed shard, which has turned out to be damaged, and gets the slices instead.
   *
   * @throws IOException naming the tensor that could not be had or fails its checksum
   */
  public void packAgain(Request request, Channel coordinator) throws IOException {
    dropPacked();
    prove(request, coordinator);
  }

  private void dropPacked() throws IOException {
    PackedFile file = packed;
    packed = null;
    if (file != null) {
      file.close();
      packedCache.drop();
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
    local = localCopy(request);
    List<SliceFetcher.Wanted> wanted = new ArrayList<>();
    for (TensorSlice slice : request.slices()) {
      MemorySegment bytes = candidate(slice);
      int crc = bytes == null ? 0 : Checksums.crc32c(bytes);
      wanted.add(new SliceFetcher.Wanted(slice, bytesOf(slice), bytes != null, crc));
      proven.put(slice, crc);
    }
    fetch(request, coordinator, wanted, (index, crc) -> use(wanted.get(index), crc));
  }

  private long fetch(
      Request request,
      Channel coordinator,
      List<SliceFetcher.Wanted> wanted,
      SliceFetcher.Sent sent)
      throws IOException {
    long bytes =
        new SliceFetcher(coordinator, request.patience(), unwanted)
            .fetch(request.fingerprint(), request.epoch(), wanted, cache, sent);
    fetchedBytes += bytes;
    return bytes;
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

  private void use(SliceFetcher.Wanted sent, int crc) throws IOException {
    TensorSlice slice = sent.slice();
    proven.put(slice, crc);
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

  /** The shard's packed weights, if it was packed before; else they are kept from what is put. */
  public PackedShelf shelf() {
    return new PackedShelf() {
      @Override
      public boolean take(String tensor, MemorySegment target) throws IOException {
        checkWanted();
        PackedFile file = packed;
        if (file == null) {
          return false;
        }
        file.read(tensor, target);
        return true;
      }

      @Override
      public void put(String tensor, MemorySegment bytes) {
        packedWriter.put(tensor, bytes);
      }
    };
  }

  /** Whether the shelf had the weights. */
  public boolean packedBefore() {
    return packed != null;
  }

  /** Keeps what was put on the shelf for the next start. */
  public void keepPacked() {
    if (packedWriter.commit(proven)) {
      packedCache.makeRoom();
    }
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
  public void close() throws IOException {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    if (local != null) {
      local.close();
    }
    packedWriter.close();
    if (packed != null) {
      packed.close();
    }
  }
}
