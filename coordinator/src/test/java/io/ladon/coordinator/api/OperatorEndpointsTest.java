package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ladon.coordinator.generate.ClusterStatus;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OperatorEndpointsTest {
  private ApiFixture api;

  @BeforeEach
  void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @Test
  void models() throws Exception {
    String model =
        "{\"id\":\"test-model\",\"object\":\"model\",\"created\":1700000000,"
            + "\"owned_by\":\"ladon\",\"context_length\":512}";
    assertThat(api.get("/v1/models").response().body())
        .isEqualTo("{\"object\":\"list\",\"data\":[" + model + "]}");
    assertThat(api.get("/v1/models/test-model").response().body()).isEqualTo(model);
    assertThat(api.get("/v1/models/test%2Dmodel").status()).isEqualTo(200);
    ApiFixture.Reply other = api.get("/v1/models/a/b");
    assertThat(other.errorParam(404)).isEqualTo("model");
    assertThat(other.errorMessage()).contains("a/b").contains("test-model");
  }

  @Test
  void readiness() throws Exception {
    assertThat(api.get("/health/live").response().body()).isEqualTo("{\"status\":\"live\"}");
    assertThat(api.get("/health/ready").response().body())
        .isEqualTo(
            "{\"status\":\"ready\",\"ready\":true,\"reason\":\"serving\",\"epoch\":3,"
                + "\"expected_workers\":1,\"running\":0,\"queued\":0,\"free_blocks\":8,"
                + "\"total_blocks\":8,\"workers\":[{\"name\":\"w0\","
                + "\"peer_address\":\"127.0.0.1:9\",\"rank\":0,\"state\":\"connected\","
                + "\"threads\":2,\"memory_bytes\":100,\"weight_bytes\":50,\"cache_bytes\":25,"
                + "\"fetched_bytes\":0,\"shared_memory_peers\":1,\"grpc_peers\":2,\"cpu\":\"a cpu\",\"kernels\":\"vector\"}]}");
    api.service.status(
        new ClusterStatus(false, "1 of 2 workers has joined", 0, 2, List.of(), 0, 0, 0, 0));
    for (String path : List.of("/health/ready", "/health")) {
      ApiFixture.Reply reply = api.get(path);
      assertThat(reply.status()).isEqualTo(503);
      assertThat(reply.json().get("ready").booleanValue()).isFalse();
      assertThat(reply.json().get("reason").stringValue()).isEqualTo("1 of 2 workers has joined");
    }
    assertThat(api.get("/health/live").status()).isEqualTo(200);
  }

  @Test
  void metricsCountRequestsByRoute() throws Exception {
    api.chat("");
    api.chat("\"n\":0");
    api.get("/v1/models/a");
    api.get("/v1/models/b");
    api.get("/nowhere");
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> {
              ApiFixture.Reply reply = api.get("/metrics");
              assertThat(reply.response().headers().firstValue("content-type").orElse(""))
                  .startsWith("text/plain; version=0.0.4");
              assertThat(reply.response().body())
                  .contains(
                      "ladon_api_requests_seconds_count{method=\"POST\","
                          + "route=\"/v1/chat/completions\",status=\"200\"} 1",
                      "ladon_api_requests_seconds_count{method=\"POST\","
                          + "route=\"/v1/chat/completions\",status=\"400\"} 1",
                      "ladon_api_requests_seconds_count{method=\"GET\","
                          + "route=\"/v1/models/*\",status=\"404\"} 2",
                      "ladon_api_requests_seconds_count{method=\"GET\","
                          + "route=\"unmatched\",status=\"404\"} 1");
            });
    ApiFixture.Reply open =
        api.send(
            api.request("/metrics")
                .header("Accept", "application/openmetrics-text; version=1.0.0")
                .build());
    assertThat(open.response().body()).endsWith("# EOF\n");
  }

  @Test
  void theRootSaysWhatThisIs() throws Exception {
    assertThat(api.get("/").response().body()).contains("test-model", "/v1/chat/completions");
  }

  @Test
  void pagesOfOtherOriginsMayCallOnlyIfToldSo() throws Exception {
    try (ApiFixture open = ApiFixture.with(o -> o.withCorsOrigins(List.of("http://ok.example")))) {
      ApiFixture.Reply preflight =
          open.send(
              open.request("/v1/chat/completions")
                  .method("OPTIONS", BodyPublishers.noBody())
                  .header("Origin", "http://ok.example")
                  .header("Access-Control-Request-Method", "POST")
                  .build());
      assertThat(preflight.status()).isEqualTo(200);
      assertThat(preflight.response().headers().firstValue("access-control-allow-origin"))
          .contains("http://ok.example");
      ApiFixture.Reply reply =
          open.send(open.request("/v1/models").header("Origin", "http://ok.example").build());
      assertThat(reply.response().headers().firstValue("access-control-allow-origin"))
          .contains("http://ok.example");
      reply = open.send(open.request("/v1/models").header("Origin", "http://no.example").build());
      assertThat(reply.response().headers().firstValue("access-control-allow-origin")).isEmpty();
    }
    assertThat(
            api.send(
                    api.request("/v1/chat/completions")
                        .method("OPTIONS", BodyPublishers.noBody())
                        .build())
                .status())
        .isEqualTo(405);
  }

  @Test
  void anAddressInUseIsNamed() {
    ApiServer second =
        new ApiServer(
            api.service,
            new ByteTokenizer(true),
            null,
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
            ApiOptions.at(api.address()));
    assertThatThrownBy(second::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(Integer.toString(api.address().getPort()));
    second.close();
  }
}
