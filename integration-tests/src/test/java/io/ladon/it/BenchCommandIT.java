package io.ladon.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A synthetic model is written and measured; that there are figures, not how good they are. */
class BenchCommandIT {

  private static final Duration LIMIT = Duration.ofMinutes(3);

  @TempDir Path folder;

  private String synthesize() throws Exception {
    String model = folder.resolve("tiny.gguf").toString();
    try (LadonCommand synth =
        LadonCommand.start("synth", "--shape", "tiny-llama", "--type", "q8_0", "--out", model)) {
      assertThat(synth.await(LIMIT)).as(synth.toString()).isZero();
    }
    return model;
  }

  /**
   * Each decoded token waits for two exchanges in each of three layers, and for the coordinator.
   */
  @Test
  void measuresOnASlowNetwork() throws Exception {
    String model = synthesize();
    try (LadonCommand bench =
        LadonCommand.start(
            ("bench --workers 3 --threads 1 --prompt 16 --generate 4 --repeat 1 --warm-up-runs 0"
                    + " --link-latency 20000 --link-bandwidth 100 --json --model "
                    + model)
                .split(" "))) {
      assertThat(bench.await(LIMIT)).as(bench.toString()).isZero();
      JsonNode figures = JsonMapper.shared().readTree(bench.output());
      assertThat(figures.path("link_latency_us").asDouble()).isEqualTo(20_000);
      assertThat(figures.path("link_bandwidth_mbit").asDouble()).isEqualTo(100);
      assertThat(figures.path("decode_tokens_per_second").path("max").asDouble())
          .isPositive()
          .isLessThan(1 / (8 * 0.02));
    }
  }

  @Test
  void measuresDraftsOfAText() throws Exception {
    String model = synthesize();
    Path text = folder.resolve("text");
    Files.writeString(text, "one two three ".repeat(20));
    String line =
        "bench --workers 2 --threads 1 --generate 200 --repeat 1 --warm-up-runs 0 --json --text %s --model %s"
            .formatted(text, model);
    try (LadonCommand bench = LadonCommand.start((line + " --draft-tokens 8").split(" "))) {
      assertThat(bench.await(LIMIT)).as(bench.toString()).isZero();
      JsonNode figures = JsonMapper.shared().readTree(bench.output());
      assertThat(figures.path("prompt").asInt()).isGreaterThanOrEqualTo(60);
      assertThat(figures.path("context").asInt()).isEqualTo(figures.path("prompt").asInt());
      assertThat(figures.path("draft_tokens").asInt()).isEqualTo(8);
      // How much is drafted is up to the clock.
      assertThat(figures.path("accepted_draft_share").asDouble(-1)).isBetween(0.0, 1.0);
    }
    try (LadonCommand bench = LadonCommand.start((line + " --prompt 5").split(" "))) {
      assertThat(bench.await(LIMIT)).as(bench.toString()).isEqualTo(2);
      assertThat(bench.errors()).contains("no --prompt or --context");
    }
  }

  @Test
  void measuresASyntheticModel() throws Exception {
    String model = synthesize();
    try (LadonCommand bench =
        LadonCommand.start(
            "bench",
            "--model",
            model,
            "--workers",
            "2",
            "--threads",
            "1",
            "--prompt",
            "32",
            "--generate",
            "8",
            "--concurrency",
            "3",
            "--context",
            "20",
            "--repeat",
            "2",
            "--warm-up-runs",
            "1",
            "--json")) {
      assertThat(bench.await(LIMIT)).as(bench.toString()).isZero();
      JsonNode figures = JsonMapper.shared().readTree(bench.output());
      assertThat(figures.path("cpu").asString()).isNotBlank();
      assertThat(figures.path("kernels").asString()).isNotBlank();
      for (String name :
          new String[] {
            "prefill_tokens_per_second", "decode_tokens_per_second", "time_to_first_token_ms"
          }) {
        JsonNode spread = figures.path(name);
        assertThat(spread.path("min").asDouble()).as(name).isPositive();
        assertThat(spread.path("median").asDouble())
            .as(name)
            .isBetween(spread.path("min").asDouble(), spread.path("max").asDouble());
      }
      for (String name : new String[] {"exchange_share", "exchange_bytes_per_token"}) {
        assertThat(figures.path(name).path("prefill").asDouble()).as(name).isPositive();
        assertThat(figures.path(name).path("decode").asDouble()).as(name).isPositive();
      }
      assertThat(figures.path("draft_tokens").asInt()).isZero();
      assertThat(figures.path("accepted_draft_share").asDouble()).isZero();
      assertThat(figures.path("weight_bytes").asLong()).isPositive();
      assertThat(figures.path("read_bandwidth_bytes_per_second").asDouble()).isGreaterThan(1e8);
      assertThat(figures.path("bandwidth_fraction").asDouble()).isPositive();
      assertThat(figures.path("resident_bytes").size()).isEqualTo(2);
      assertThat(figures.path("resident_bytes_together").asLong())
          .isGreaterThan(figures.path("weight_bytes").asLong());
      assertThat(figures.path("resident_over_file").asDouble()).isGreaterThan(1);
    }
  }
}
