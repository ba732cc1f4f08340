package io.ladon.coordinator.api;

import io.ladon.coordinator.api.http.HttpCall;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.api.http.Router;
import io.ladon.coordinator.generate.ClusterStatus;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.generate.WorkerStatus;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What operators and their machines ask: health, metrics, and what this is. */
final class OperatorEndpoints {
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
  private static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  private final GenerationService service;
  private final PrometheusMeterRegistry registry;

  OperatorEndpoints(GenerationService service, PrometheusMeterRegistry registry) {
    this.service = service;
    this.registry = registry;
  }

  void addTo(Router router) {
    router
        .add("GET", "/", this::root)
        .add("GET", "/health", this::ready)
        .add("GET", "/health/live", this::live)
        .add("GET", "/health/ready", this::ready)
        .add("GET", "/metrics", this::metrics);
  }

  private void root(HttpCall call) {
    String text =
        """
        Ladon serves %s here, with OpenAI's API:
          POST /v1/chat/completions  POST /v1/completions  GET /v1/models
          POST /tokenize  POST /detokenize
          GET /health/live  GET /health/ready  GET /metrics
        """
            .formatted(service.model().id());
    call.respond(200, TEXT, text.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  private void live(HttpCall call) {
    call.respond(200, Json.object().put("status", "live"));
  }

  private void ready(HttpCall call) {
    ClusterStatus status = service.status();
    ObjectNode json =
        Json.object()
            .put("status", status.ready() ? "ready" : "not_ready")
            .put("ready", status.ready())
            .put("reason", status.reason())
            .put("epoch", status.epoch())
            .put("expected_workers", status.expectedWorkers())
            .put("running", status.running())
            .put("queued", status.queued())
            .put("free_blocks", status.freeBlocks())
            .put("total_blocks", status.totalBlocks());
    ArrayNode workers = json.putArray("workers");
    status.workers().forEach(worker -> workers.add(json(worker)));
    call.respond(status.ready() ? 200 : 503, json);
  }

  private static ObjectNode json(WorkerStatus worker) {
    return Json.object()
        .put("name", worker.name())
        .put("peer_address", worker.peerAddress())
        .put("rank", worker.rank())
        .put("state", worker.state().name().toLowerCase(Locale.ROOT))
        .put("threads", worker.threads())
        .put("memory_bytes", worker.memoryBytes())
        .put("weight_bytes", worker.weightBytes())
        .put("cache_bytes", worker.cacheBytes())
        .put("fetched_bytes", worker.fetchedBytes())
        .put("shared_memory_peers", worker.sharedMemoryPeers())
        .put("grpc_peers", worker.grpcPeers())
        .put("cpu", worker.cpu())
        .put("kernels", worker.kernels());
  }

  private void metrics(HttpCall call) {
    String accept = call.header("Accept");
    boolean open = accept != null && accept.contains("application/openmetrics-text");
    String type = open ? OPEN_METRICS : PROMETHEUS;
    call.respond(200, type, registry.scrape(type).getBytes(StandardCharsets.UTF_8), Map.of());
  }
}
