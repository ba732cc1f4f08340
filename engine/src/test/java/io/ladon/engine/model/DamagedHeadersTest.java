package io.ladon.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Whatever bytes a header has, it is read or refused with a message; nothing else happens. */
class DamagedHeadersTest {

  private static final byte[] HEADER = header();

  @Property
  void damageIsReadOrRefused(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int damages) {
    Random random = new Random(seed);
    byte[] bytes = HEADER.clone();
    for (int i = 0; i < damages; i++) {
      // Most of it where the counts, keys and types are.
      int at = random.nextInt(random.nextBoolean() ? 2048 : bytes.length);
      bytes[at] = random.nextBoolean() ? (byte) random.nextInt() : (byte) 0xff;
    }
    readOrRefused(bytes);
  }

  @Property
  void truncationIsRefused(@ForAll @IntRange(max = 20_000) int length) {
    if (length < HEADER.length) {
      assertThat(readOrRefused(Arrays.copyOf(HEADER, length))).isFalse();
    }
  }

  /** Whether it was read. */
  private static boolean readOrRefused(byte[] bytes) {
    try {
      ModelSpecs.read(GgufHeader.parse(MemorySegment.ofArray(bytes)));
      return true;
    } catch (CheckpointException e) {
      assertThat(e.getMessage()).containsPattern("byte \\d+");
      return false;
    }
  }

  private static byte[] header() {
    try (InputStream in =
        Objects.requireNonNull(
            DamagedHeadersTest.class.getResourceAsStream(
                "/headers/smollm2-135m-q4_1.gguf-header"))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
