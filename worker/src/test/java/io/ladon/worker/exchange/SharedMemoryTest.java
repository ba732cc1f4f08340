package io.ladon.worker.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ladon.proto.SharedMemoryOffer;
import io.ladon.worker.exchange.RankPair.Side;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who shares memory with whom, and what is said where nobody does. */
@Timeout(60)
class SharedMemoryTest {

  @TempDir private Path here;
  @TempDir private Path elsewhere;

  @Test
  void noFileIsLeftOnceBothHaveOpenedIt() throws Exception {
    try (RankPair pair =
        new RankPair(new Side(ExchangeMode.AUTO, here), new Side(ExchangeMode.AUTO, here))) {
      List<PeerMesh> meshes = pair.connect(3);
      assertThat(modes(pair, meshes)).containsOnly(ExchangeMode.SHARED_MEMORY);
      assertThat(files(here)).isEmpty();
    }
  }

  @Test
  void ranksOfTwoMachinesUseFrames() throws Exception {
    try (RankPair pair =
        new RankPair(new Side(ExchangeMode.AUTO, here), new Side(ExchangeMode.AUTO, elsewhere))) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.GRPC);
      assertThat(files(here)).isEmpty();
    }
  }

  @Test
  void aRankWithoutSharedMemoryUsesFrames() throws Exception {
    Path missing = here.resolve("missing");
    try (RankPair pair =
        new RankPair(new Side(ExchangeMode.AUTO, missing), new Side(ExchangeMode.AUTO, here))) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.GRPC);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"GRPC", "AUTO"})
  void oneSideThatIsToldToDecides(ExchangeMode other) throws Exception {
    try (RankPair pair = new RankPair(new Side(ExchangeMode.GRPC, here), new Side(other, here))) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.GRPC);
    }
    try (RankPair pair = new RankPair(new Side(other, here), new Side(ExchangeMode.GRPC, here))) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.GRPC);
      assertThat(files(here)).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SHARED_MEMORY", "AUTO"})
  void forcedAndPossible(ExchangeMode other) throws Exception {
    Side forced = new Side(ExchangeMode.SHARED_MEMORY, here);
    try (RankPair pair = new RankPair(forced, new Side(other, here))) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.SHARED_MEMORY);
    }
    try (RankPair pair = new RankPair(new Side(other, here), forced)) {
      assertThat(modes(pair, pair.connect(3))).containsOnly(ExchangeMode.SHARED_MEMORY);
    }
  }

  @Test
  void forcedButThePeerIsElsewhere() throws Exception {
    Side forced = new Side(ExchangeMode.SHARED_MEMORY, here);
    try (RankPair pair = new RankPair(forced, new Side(ExchangeMode.AUTO, elsewhere))) {
      assertThatThrownBy(() -> pair.connect(3))
          .hasMessageContainingAll(
              "rank 1", "must share memory", "it is not there (another machine or container?)");
      assertThat(files(here)).isEmpty();
    }
    try (RankPair pair = new RankPair(new Side(ExchangeMode.AUTO, elsewhere), forced)) {
      assertThatThrownBy(() -> pair.connect(3))
          .hasMessageContainingAll(
              "rank 1", "FAILED_PRECONDITION", "no shared memory", "it is not there");
      assertThat(files(elsewhere)).isEmpty();
    }
  }

  @Test
  void forcedButThePeerIsToldToUseGrpc() throws Exception {
    Side forced = new Side(ExchangeMode.SHARED_MEMORY, here);
    Side grpc = new Side(ExchangeMode.GRPC, here);
    try (RankPair pair = new RankPair(forced, grpc)) {
      assertThatThrownBy(() -> pair.connect(3)).hasMessageContaining("told to exchange over gRPC");
    }
    try (RankPair pair = new RankPair(grpc, forced)) {
      assertThatThrownBy(() -> pair.connect(3)).hasMessageContaining("rank 0 offered none");
    }
  }

  @Test
  void forcedButThereIsNone() throws Exception {
    Side forced = new Side(ExchangeMode.SHARED_MEMORY, here.resolve("missing"));
    try (RankPair pair = new RankPair(forced, new Side(ExchangeMode.AUTO, here))) {
      assertThatThrownBy(() -> pair.connect(3))
          .hasMessageContainingAll("must share memory", "cannot share memory in", "missing");
    }
  }

  @Test
  void anOfferIsCheckedBeforeItIsTaken() throws Exception {
    SharedMemory memory = new SharedMemory(here);
    try (SharedMemory.Offer offer = memory.offer()) {
      SharedMemoryOffer good = offer.message();
      assertThatThrownBy(
              () -> memory.take(good.toBuilder().setFile("../" + good.getFile()).build()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is no name of shared memory");
      assertThatThrownBy(
              () ->
                  memory.take(good.toBuilder().setToken(ByteString.copyFrom(new byte[16])).build()))
          .hasMessageContaining("another token");
      assertThatThrownBy(() -> memory.take(good.toBuilder().clearToken().build()))
          .hasMessageContaining("another token");
      String small = "ladon-" + "0".repeat(32);
      Files.write(here.resolve(small), new byte[100]);
      assertThatThrownBy(() -> memory.take(good.toBuilder().setFile(small).build()))
          .hasMessageContaining("100 bytes, not");
      String link = "ladon-" + "1".repeat(32);
      Files.createSymbolicLink(here.resolve(link), here.resolve(good.getFile()));
      assertThatThrownBy(() -> memory.take(good.toBuilder().setFile(link).build()))
          .hasMessageContaining("cannot open");
      try (SharedLane lane = memory.take(good)) {
        assertThat(lane.hasNext()).isFalse();
        assertThat(here.resolve(good.getFile())).doesNotExist();
      }
    }
  }

  private static List<ExchangeMode> modes(RankPair pair, List<PeerMesh> meshes) throws Exception {
    return List.of(
        LoopGroup.on(pair.loop(0), () -> meshes.get(0).modeOf(1)).get(),
        LoopGroup.on(pair.loop(1), () -> meshes.get(1).modeOf(0)).get());
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
