package io.ladon.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Defaults and names of what a coordinator is told. */
final class OptionsTest {

  @Test
  void defaults() {
    CoordinatorOptions options = CoordinatorOptions.of(Path.of("/models/SmolLM2.Q4_1.gguf"), 2);
    assertThat(options.modelId()).isEqualTo("SmolLM2.Q4_1");
    assertThat(options.listen()).hasToString("127.0.0.1:7700");
    assertThat(options.apiListen()).hasToString("127.0.0.1:8080");
    assertThat(options.limits()).isEqualTo(new Limits(0, 0, 64, 256, 512, 256, 256, 2048, 1, 16));
    assertThat(options.timeouts().exchange()).isEqualTo(Duration.ofSeconds(5));
    assertThat(options.kvPrecision().wireName()).isEqualTo("f16");
  }

  @Test
  void addresses() {
    assertThat(HostPort.parse("node-1:80")).isEqualTo(new HostPort("node-1", 80));
    assertThat(HostPort.parse("[::1]:80")).isEqualTo(new HostPort("::1", 80));
    assertThat(HostPort.parse("[::1]:80")).hasToString("[::1]:80");
    for (String bad : new String[] {"node", ":80", "::1:80", "node:x", "node:70000", ""}) {
      assertThatIllegalArgumentException().isThrownBy(() -> HostPort.parse(bad));
    }
  }

  @Test
  void refusals() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Limits.defaults().withStep(8, 8))
        .withMessage("maxStepTokens must be at least 64, not 8");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Timeouts.defaults().withHeartbeat(Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .withMessageContaining("silence");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CoordinatorOptions.of(Path.of("m.gguf"), 0))
        .withMessageContaining("0 workers");
  }
}
