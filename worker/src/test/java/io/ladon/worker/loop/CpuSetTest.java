package io.ladon.worker.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which CPUs a rank keeps to. */
final class CpuSetTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 / 1             | 2 | 1 | {0} {1}",
        "0 / 1             | 1 | 2 | {0, 1}",
        "0,4 / 1,5 / 2,6 / 3,7 | 2 | 2 | {0, 1, 4, 5} {2, 3, 6, 7}",
        "0,4 / 1,5 / 2,6 / 3,7 | 3 | 1 | {0, 4} {1, 5} {2, 3, 6, 7}",
        // Fewer cores than ranks: CPUs.
        "0,2 / 1,3         | 3 | 1 | {0} {1} {2, 3}",
        // More threads than a share has CPUs: everything.
        "0 / 1 / 2 / 3     | 2 | 3 | {0, 1, 2, 3} {0, 1, 2, 3}",
        "5 / 9             | 3 | 1 | {5, 9} {5} {9}",
      })
  void coresAreSharedOut(String cores, int ranks, int threads, String shares) {
    List<BitSet> all = new ArrayList<>();
    for (String core : cores.split("/", -1)) {
      all.add(CpuSet.parse(core));
    }
    List<String> found = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      found.add(CpuSet.share(all, rank, ranks, threads).toString());
    }
    assertThat(String.join(" ", found)).isEqualTo(shares);
  }

  @Test
  void theKernelsListsAreRead() {
    assertThat(CpuSet.parse("0-2,8,10-11\n")).hasToString("{0, 1, 2, 8, 10, 11}");
    assertThatIllegalArgumentException().isThrownBy(() -> CpuSet.parse("0-"));
    assertThatIllegalArgumentException().isThrownBy(() -> CpuSet.allowed(List.of("Name: java")));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aThreadAndThoseThatItStartsKeepToThem() throws Exception {
    BitSet before = CpuSet.allowed(Files.readAllLines(Path.of("/proc/self/status")));
    BitSet first = new BitSet();
    first.set(before.nextSetBit(0));
    CompletableFuture<BitSet> started = new CompletableFuture<>();
    Thread confined =
        Thread.ofPlatform()
            .start(
                () -> {
                  CpuSet.share(List.of(first), 0, 1, 1).confine();
                  Thread.ofPlatform().start(() -> started.complete(ofThisThread()));
                });
    assertThat(started.get()).isEqualTo(first);
    assertThat(confined.join(java.time.Duration.ofSeconds(10))).isTrue();
    assertThat(ofThisThread()).isEqualTo(before);
  }

  private static BitSet ofThisThread() {
    try {
      return CpuSet.allowed(Files.readAllLines(Path.of("/proc/thread-self/status")));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
