package io.ladon.worker;

import static io.ladon.worker.Assignments.assign;
import static io.ladon.worker.Assignments.message;
import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.testing.TinyModels;
import io.ladon.proto.Assign;
import io.ladon.proto.FailureCode;
import io.ladon.proto.HeldShard;
import io.ladon.proto.Loaded;
import io.ladon.proto.RankFailure;
import io.ladon.proto.WorkerMessage.MessageCase;
import io.ladon.worker.ScriptedCoordinator.Joined;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where a rank's bytes come from, and what happens to wrong ones. */
@Timeout(120)
class ShardLoadingTest {

  private static final String DOWN = "blk.1.ffn_down.weight";

  @TempDir Path folder;
  private final FakeShards shards = new FakeShards();
  private Path model;
  private Path cache;
  private GgufFile file;
  private ScriptedCoordinator coordinator;

  @BeforeEach
  void start() throws Exception {
    model = new TinyModels(folder).model("tiny-llama", TensorType.Q4_0);
    cache = folder.resolve("cache");
    file = GgufFile.open(model);
    coordinator = new ScriptedCoordinator(file, 0);
  }

  @AfterEach
  void stop() {
    coordinator.close();
    file.close();
  }

  /** Starts a worker of rank 1 of 2, which is assigned, answers and is closed. */
  private Joined load(@Nullable Path localCopy, @Nullable Path told) throws Exception {
    WorkerOptions options =
        WorkerOptions.joining(coordinator.address(), cache)
            .threads(1)
            .modelPath(localCopy)
            .patience(Duration.ofSeconds(20))
            .build();
    try (Worker worker = new Worker(options, shards)) {
      worker.start();
      Joined member = coordinator.joined();
      String peer = member.hello.getPeerAddress();
      Assign.Builder assign = assign(file, 1, 1, List.of(peer, peer));
      if (told != null) {
        assign.setCheckpointPath(told.toString());
      }
      member.send(message(assign));
      member.messages.add(member.next()); // wait for it
      return member;
    }
  }

  private Loaded loaded(@Nullable Path localCopy, @Nullable Path told) throws Exception {
    return load(localCopy, told).next(MessageCase.LOADED).getLoaded();
  }

  @Test
  void fetchesItsSlicesOnceAndNoOthers() throws Exception {
    Loaded first = loaded(null, null);
    assertThat(first.getFetchedBytes()).isEqualTo(first.getWeightBytes()).isPositive();
    assertThat(first.getFetchedBytes()).isLessThan(file.header().dataLength());
    assertThat(cachedFiles()).hasSize(coordinator.requests().getFirst().getSlicesCount());
    assertThat(cachedFiles()).allMatch(path -> path.toString().endsWith(".bin"));
    Loaded second = loaded(null, null);
    assertThat(second.getFetchedBytes()).isZero();
    assertThat(second.getWeightBytes()).isEqualTo(first.getWeightBytes());
    assertThat(coordinator.requests().get(1).getSlicesList()).allMatch(slice -> slice.getHave());
  }

  @Test
  void repairsACacheFileThatIsDamaged() throws Exception {
    loaded(null, null);
    Path damaged = cachedFile(DOWN);
    long size = Files.size(damaged);
    flipByte(damaged, size / 2);
    Files.delete(packedFile());
    assertThat(loaded(null, null).getFetchedBytes()).isEqualTo(size);
    Files.write(damaged, new byte[3]); // truncated
    Files.delete(packedFile());
    assertThat(loaded(null, null).getFetchedBytes()).isEqualTo(size);
    assertThat(loaded(null, null).getFetchedBytes()).isZero();
  }

  @Test
  void refusesASliceThatFailsItsChecksum() throws Exception {
    coordinator.lieAbout(DOWN);
    RankFailure failure = load(null, null).next(MessageCase.FAILURE).getFailure();
    assertThat(failure.getCode()).isEqualTo(FailureCode.LOAD_FAILED);
    assertThat(failure.getMessage()).contains(DOWN, "checksum");
    assertThat(cachedFiles()).noneMatch(path -> path.toString().contains(DOWN));
    assertThat(cachedFiles()).allMatch(path -> path.toString().endsWith(".bin"));
    coordinator.lieAbout("");
    assertThat(loaded(null, null).getFetchedBytes()).isPositive();
  }

  @Test
  void readsALocalCopyInstead() throws Exception {
    assertThat(loaded(model, null).getFetchedBytes()).isZero();
    assertThat(loaded(null, model).getFetchedBytes()).as("told by the coordinator").isZero();
    assertThat(cachedFiles()).isEmpty();
  }

  @Test
  void ofADamagedLocalCopyOnlyTheDamageIsFetched() throws Exception {
    Path copy = folder.resolve("copy.gguf");
    Files.copy(model, copy);
    TensorInfo down = file.header().tensor(DOWN);
    flipByte(copy, file.header().dataOffset() + down.offset() + down.rowBytes() - 5);
    Loaded loaded = loaded(copy, null);
    assertThat(cachedFiles()).singleElement().asString().contains(DOWN);
    assertThat(loaded.getFetchedBytes()).isEqualTo(Files.size(cachedFiles().getFirst()));
  }

  @Test
  void aFileOfAnotherModelIsNoLocalCopy() throws Exception {
    Path other = new TinyModels(folder).model("tiny-qwen2", TensorType.Q4_0);
    assertThat(loaded(other, folder.resolve("absent.gguf")).getFetchedBytes()).isPositive();
  }

  @Test
  void packsAShardOnce() throws Exception {
    Loaded first = loaded(model, null);
    int tensors = shards.packed.get();
    assertThat(tensors).isEqualTo(coordinator.requests().getFirst().getSlicesCount());
    Files.delete(model); // of no use any more
    Loaded second = loaded(null, null);
    assertThat(shards.packed).hasValue(0);
    assertThat(second.getFetchedBytes()).isZero();
    assertThat(second.getWeightBytes()).isEqualTo(first.getWeightBytes());
  }

  @Test
  void tellsWhatItHasPacked() throws Exception {
    assertThat(load(null, null).hello.getHeldList()).isEmpty();
    Assign assign = assign(file, 1, 1, List.of("a:1", "b:1")).build();
    HeldShard shard =
        HeldShard.newBuilder()
            .setCheckpoint(assign.getCheckpoint())
            .setPlanDigest(assign.getPlanDigest())
            .setRank(1)
            .build();
    assertThat(load(null, null).hello.getHeldList()).containsExactly(shard);
    Path older =
        packedFile().resolveSibling("ab12-0.v%d.packed".formatted(PackedMatrix.LAYOUT_VERSION));
    Files.write(older, new byte[1]);
    Files.setLastModifiedTime(older, FileTime.fromMillis(0));
    Files.write(older.resolveSibling("cd34-0.v0.packed"), new byte[1]); // of another release
    assertThat(load(null, null).hello.getHeldList())
        .containsExactly(shard, shard.toBuilder().setPlanDigest("ab12").setRank(0).build());
  }

  @Test
  void packsADamagedShardAgain() throws Exception {
    loaded(model, null);
    int tensors = shards.packed.get();
    Path packed = packedFile();
    for (long at : new long[] {0, Files.size(packed) / 2, Files.size(packed) - 20}) {
      flipByte(packed, at); // in the first tensor, in another, and in the index
      assertThat(loaded(model, null).getFetchedBytes()).isZero();
      assertThat(shards.packed.get()).as("tensors packed, byte %d", at).isGreaterThan(0);
      loaded(model, null);
      assertThat(shards.packed).as("byte %d, again", at).hasValue(0);
    }
    Files.write(packed, new byte[9]);
    loaded(model, null);
    assertThat(shards.packed).as("truncated").hasValue(tensors);
  }

  @Test
  void packsAgainWhatIsAnotherModelOfTheSameShape() throws Exception {
    loaded(null, null);
    TensorInfo down = file.header().tensor(DOWN);
    flipByte(model, file.header().dataOffset() + down.offset() + down.rowBytes() - 5);
    assertThat(loaded(null, null).getFetchedBytes()).isEqualTo(Files.size(cachedFile(DOWN)));
    assertThat(shards.packed).hasValue(coordinator.requests().getFirst().getSlicesCount());
    assertThat(loaded(null, null).getFetchedBytes()).isZero();
    assertThat(shards.packed).hasValue(0);
  }

  private Path packedFile() throws IOException {
    return files(cache.resolve("packed")).getFirst();
  }

  private List<Path> cachedFiles() throws IOException {
    return files(cache.resolve("shards"));
  }

  private static List<Path> files(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.filter(Files::isRegularFile).toList();
    }
  }

  private Path cachedFile(String tensor) throws IOException {
    return cachedFiles().stream()
        .filter(path -> path.getFileName().toString().startsWith(tensor))
        .findFirst()
        .orElseThrow();
  }

  private static void flipByte(Path path, long at) throws IOException {
    try (RandomAccessFile access = new RandomAccessFile(path.toFile(), "rw")) {
      access.seek(at);
      int old = access.read();
      access.seek(at);
      access.write(old ^ 0x10);
    }
  }
}
