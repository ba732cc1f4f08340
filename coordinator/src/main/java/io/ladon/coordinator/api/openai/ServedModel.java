package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.generate.ModelCard;
import io.ladon.coordinator.generate.ServiceException;
import tools.jackson.databind.node.ObjectNode;

/** The one model of a server, and the requests' word for it. */
final class ServedModel {
  private ServedModel() {}

  /** Takes {@code model}; without it, the one that is served is meant. */
  static void check(JsonFields fields, GenerationService service) throws ApiException {
    String asked = fields.string("model");
    if (asked != null) {
      check(asked, service);
    }
  }

  /** Refuses any model but the one that is served. */
  static void check(String asked, GenerationService service) throws ApiException {
    String served = service.model().id();
    if (!asked.equals(served)) {
      throw ApiException.of(
          new ServiceException(
              ErrorCode.MODEL_NOT_FOUND,
              "the model '%s' is not served here; '%s' is".formatted(asked, served),
              "model"));
    }
  }

  /** OpenAI's model object, and how long its context is. */
  static ObjectNode json(ModelCard card) {
    return Json.object()
        .put("id", card.id())
        .put("object", "model")
        .put("created", card.created())
        .put("owned_by", "ladon")
        .put("context_length", card.contextLength());
  }
}
