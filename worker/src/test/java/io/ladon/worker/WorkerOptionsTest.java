package io.ladon.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.worker.exchange.ExchangeMode;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerOptionsTest {

  private static WorkerOptions.Builder options() {
    return WorkerOptions.joining("coordinator:7000", Path.of("cache"));
  }

  @Test
  void defaults() {
    WorkerOptions options = options().build();
    assertThat(options.join()).isEqualTo("coordinator:7000");
    assertThat(options.name()).isNull();
    assertThat(options.bindHost()).isEqualTo("0.0.0.0");
    assertThat(options.bindPort()).isZero();
    assertThat(options.advertisedHost()).isNull();
    assertThat(options.threads()).isZero();
    assertThat(options.modelPath()).isNull();
    assertThat(options.kernels()).isEqualTo("auto");
    assertThat(options.exchange()).isEqualTo(ExchangeMode.AUTO);
    assertThat(options.warmUp()).isTrue();
    assertThat(options.memoryBytes()).isZero();
    assertThat(options.spin()).isEqualTo(Duration.ofNanos(200_000));
    assertThat(options.crowding()).isEqualTo(WorkerOptions.Crowding.AUTO);
    assertThat(options.connect()).isEqualTo(Duration.ofSeconds(10));
    assertThat(options.longestPause()).isEqualTo(Duration.ofSeconds(5));
    assertThat(options.patience()).isEqualTo(Duration.ofSeconds(30));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "host", ":7000", "host:", "host:x", "host:0", "host:65536"})
  void joinMustBeHostAndPort(String join) {
    assertThatThrownBy(() -> WorkerOptions.joining(join, Path.of("cache")).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("join: '" + join + "' is not host:port");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", ""})
  void anyAddressIsNotAdvertised(String host) {
    assertThatThrownBy(() -> options().advertisedHost(host).build())
        .hasMessageContaining("advertisedHost");
  }

  @Test
  void limitsAreChecked() {
    assertThatThrownBy(() -> options().bind("127.0.0.1", 70_000).build())
        .hasMessageContaining("bindPort");
    assertThatThrownBy(() -> options().threads(-1).build()).hasMessageContaining("threads");
    assertThatThrownBy(() -> options().memoryBytes(-1).build()).hasMessageContaining("memoryBytes");
    assertThatThrownBy(() -> options().spin(Duration.ofNanos(-1)).build())
        .hasMessageContaining("spin");
    assertThatThrownBy(() -> options().connect(Duration.ZERO).build())
        .hasMessageContaining("connect");
  }

  @Test
  void exchangesHaveNames() {
    assertThat(ExchangeMode.named("auto")).isEqualTo(ExchangeMode.AUTO);
    assertThat(ExchangeMode.named("grpc")).isEqualTo(ExchangeMode.GRPC);
    assertThat(ExchangeMode.named("shared-memory")).isEqualTo(ExchangeMode.SHARED_MEMORY);
    assertThatThrownBy(() -> ExchangeMode.named("pigeon"))
        .hasMessage("exchange: 'pigeon' is none of auto, grpc, shared-memory");
  }

  @Test
  void addressesOfIpv6StandInBrackets() {
    assertThat(Identity.address("10.0.0.7", 7001)).isEqualTo("10.0.0.7:7001");
    assertThat(Identity.address("fe80::1", 7001)).isEqualTo("[fe80::1]:7001");
  }
}
