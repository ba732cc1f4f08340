package io.ladon.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The version in the code is the version in the POM. */
final class ReleaseTest {

  @Test
  void versionIsThePoms() throws IOException {
    // Surefire runs in the module's own directory.
    assertThat(Files.readString(Path.of("pom.xml")))
        .contains("<version>" + Release.VERSION + "</version>");
  }
}
