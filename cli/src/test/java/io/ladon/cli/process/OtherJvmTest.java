package io.ladon.cli.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class OtherJvmTest {

  @Test
  void replacesTheFileOfOptionsAlone() throws IOException {
    assertThat(
            OtherJvm.replaced(
                List.of(
                    "java",
                    "@/opt/worker.options",
                    "-XX:SharedArchiveFile=/opt/ladon.jsa",
                    "-cp",
                    "a b.jar",
                    "Main",
                    "@/x/worker.options"),
                "worker.options",
                "vector-worker.options"))
        .containsExactly(
            "java",
            "@/opt/vector-worker.options",
            "-XX:SharedArchiveFile=/opt/ladon.jsa",
            "-cp",
            "a b.jar",
            "Main",
            "@/x/worker.options");
  }

  @Test
  void aProcessThatHasBecomeAnotherDoesNotBecomeItAgain() {
    assertThatThrownBy(
            () ->
                OtherJvm.replaced(
                    List.of("java", "@/opt/vector-worker.options", "Main"),
                    "worker.options",
                    "vector-worker.options"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("@…/worker.options");
  }
}
