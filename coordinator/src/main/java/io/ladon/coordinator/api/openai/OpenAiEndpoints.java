package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.api.http.HttpCall;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.api.http.Router;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.template.ChatTemplate;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's endpoints: chat, completions and models. */
public final class OpenAiEndpoints {
  private final GenerationService service;
  private final Tokenizer tokenizer;
  private final @Nullable ChatPrompt chatPrompt;
  private final OpenAiOptions options;

  /**
   * @param template null for a model without one, which then has no chat
   */
  public OpenAiEndpoints(
      GenerationService service,
      Tokenizer tokenizer,
      @Nullable ChatTemplate template,
      OpenAiOptions options) {
    this.service = service;
    this.tokenizer = tokenizer;
    this.chatPrompt = template == null ? null : new ChatPrompt(template, tokenizer);
    this.options = options;
  }

  /** Adds the routes. */
  public void addTo(Router router) {
    router
        .add("POST", "/v1/chat/completions", this::chat)
        .add("POST", "/v1/completions", this::complete)
        .add("GET", "/v1/models", this::models)
        .add("GET", "/v1/models/*", this::model);
  }

  private void chat(HttpCall call) throws ApiException {
    JsonFields fields = RequestBody.fields(call);
    ServedModel.check(fields, service);
    List<Object> messages = ChatMessages.read(fields);
    Parameters parameters = Parameters.ofChat(fields, options.random(), options.maxChoices());
    UnsupportedParameters.refuseInChat(fields);
    fields.refuseOthers();
    ChatPrompt prompt = chatPrompt;
    if (prompt == null) {
      throw ApiException.of(
          ErrorCode.INVALID_REQUEST,
          "the model '%s' has no chat template; use /v1/completions"
              .formatted(service.model().id()));
    }
    List<int[]> prompts = List.of(prompt.tokens(messages));
    answer(call, new ChatFormat(tokenizer, parameters), parameters, prompts, "messages");
  }

  private void complete(HttpCall call) throws ApiException {
    JsonFields fields = RequestBody.fields(call);
    ServedModel.check(fields, service);
    Parameters parameters = Parameters.ofCompletion(fields, options.random(), options.maxChoices());
    UnsupportedParameters.refuseInCompletion(fields);
    fields.any("prompt");
    fields.refuseOthers();
    List<int[]> prompts =
        new CompletionPrompts(tokenizer, options.maxChoices() / parameters.n()).read(fields);
    answer(call, new CompletionFormat(tokenizer, parameters), parameters, prompts, "prompt");
  }

  private void answer(
      HttpCall call, ChoiceFormat format, Parameters parameters, List<int[]> prompts, String param)
      throws ApiException {
    List<GenerationRequest> generations =
        parameters.generations(
            prompts, param, service.model().contextLength(), options.defaultMaxTokens(), tokenizer);
    byte[] id = new byte[12];
    options.random().nextBytes(id);
    Answer.Envelope envelope =
        new Answer.Envelope(
            format.idPrefix() + HexFormat.of().formatHex(id),
            options.clock().instant().getEpochSecond(),
            service.model().id());
    new Answer(
            call,
            service,
            tokenizer,
            format,
            parameters,
            generations,
            envelope,
            options.stallTimeout())
        .begin();
  }

  private void models(HttpCall call) throws ApiException {
    RequestBody.refuseQuery(call);
    ObjectNode list = Json.object().put("object", "list");
    list.putArray("data").add(ServedModel.json(service.model()));
    call.respond(200, list);
  }

  private void model(HttpCall call) throws ApiException {
    RequestBody.refuseQuery(call);
    ServedModel.check(call.pathRest(), service);
    call.respond(200, ServedModel.json(service.model()));
  }
}
