package io.ladon.engine.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ladon.engine.kernel.x86.CpuFeatures.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {

  @Test
  void findsWhatTheSystemSays() throws IOException {
    List<String> flags = Arrays.asList(cpuinfo("flags").split("\\s+"));
    Set<Feature> expected = EnumSet.noneOf(Feature.class);
    for (Feature feature : Feature.values()) {
      if (flags.contains(feature.name().toLowerCase(Locale.ROOT))) {
        expected.add(feature);
      }
    }
    assertThat(CpuFeatures.detect().present()).isEqualTo(expected);
  }

  @Test
  void findsWhoMadeTheCpu() throws IOException {
    assertThat(CpuFeatures.detect().isIntel())
        .isEqualTo(cpuinfo("vendor_id").endsWith("GenuineIntel"));
  }

  /** The first line of that name. */
  private static String cpuinfo(String name) throws IOException {
    String obstacle = MachineCode.systemObstacle();
    assumeTrue(obstacle.isEmpty(), obstacle);
    return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
        .filter(line -> line.startsWith(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void tellsWhatATierLacks() {
    Set<Feature> haswell = EnumSet.of(Feature.AVX2, Feature.FMA, Feature.F16C);
    assertThat(Tier.AVX2.missing(haswell)).isEmpty();
    assertThat(Tier.AVX2.missing(EnumSet.noneOf(Feature.class))).isEqualTo(haswell);
    assertThat(Tier.AVX512_VNNI.missing(haswell))
        .containsExactlyInAnyOrder(
            Feature.AVX512F, Feature.AVX512BW, Feature.AVX512VL, Feature.AVX512_VNNI);
    assertThat(Tier.AVX512_VNNI.missing(EnumSet.allOf(Feature.class))).isEmpty();
    assertThat(Tier.AVX_VNNI.missing(haswell)).containsExactly(Feature.AVX_VNNI);
    Set<Feature> alderLake = EnumSet.of(Feature.AVX2, Feature.FMA, Feature.F16C, Feature.AVX_VNNI);
    assertThat(Tier.AVX_VNNI.missing(alderLake)).isEmpty();
    Set<Feature> iceLake =
        EnumSet.complementOf(EnumSet.of(Feature.AVX_VNNI, Feature.AMX_TILE, Feature.AMX_BF16));
    assertThat(Tier.AVX512_VNNI.missing(iceLake)).isEmpty();
    assertThat(Tier.AMX.missing(iceLake))
        .containsExactlyInAnyOrder(Feature.AMX_TILE, Feature.AMX_BF16);
  }
}
