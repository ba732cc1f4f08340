package io.ladon.realmodel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ladon.coordinator.tokenizer.Tokenizer;
import io.ladon.coordinator.tokenizer.Tokenizers;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.rank.RankCluster;
import io.ladon.it.LadonCommand;
import io.ladon.realmodel.Expected.Candidate;
import io.ladon.realmodel.Expected.Case;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A cluster of processes answers with the numbers of ranks in this process. */
class CompletionValuesIT {

  private static final int TOKENS = 64;
  private static final int TOP = 5;
  private static final double TOLERANCE = 1e-6;
  private static final JsonMapper JSON = new JsonMapper();

  private static LadonCommand up;
  private static String url;

  /** A greedy token, and the best candidates at its place, best first. */
  private record Place(int token, List<Candidate> top) {}

  @BeforeAll
  static void start() throws Exception {
    up =
        LadonCommand.start(
            "up", "--workers", "2", "--kv-type", "f32", "--port", "0", "--threads", "1");
    String line = up.awaitLine("ready at ", Duration.ofMinutes(5));
    url = line.replaceFirst(".*ready at (http://[^: ]+:\\d+).*", "$1");
  }

  @AfterAll
  static void stop() {
    if (up != null) {
      up.close();
    }
  }

  @Test
  void tokensAndLogProbabilitiesAreThoseOfRanksInThisProcess() throws Exception {
    List<int[]> prompts =
        Expected.f32(RealModel.SMOLLM2).cases().stream().map(Case::promptIds).toList();
    JsonNode choices = complete(prompts).get("choices");
    assertThat(choices.size()).isEqualTo(prompts.size());
    try (GgufFile file = RealModel.SMOLLM2.open()) {
      Tokenizer tokenizer = Tokenizers.of(file.header());
      List<List<Place>> expected = inThisProcess(file, tokenizer, prompts);
      for (int i = 0; i < prompts.size(); i++) {
        JsonNode choice = choices.get(i);
        assertThat(choice.get("index").intValue()).isEqualTo(i);
        assertSame(choice.get("logprobs"), expected.get(i), tokenizer);
        boolean ended = expected.get(i).size() < TOKENS;
        assertThat(choice.get("finish_reason").stringValue()).isEqualTo(ended ? "stop" : "length");
      }
    }
  }

  private static void assertSame(JsonNode logprobs, List<Place> places, Tokenizer tokenizer) {
    List<String> tokens = new ArrayList<>();
    logprobs.get("tokens").forEach(token -> tokens.add(token.stringValue()));
    assertThat(tokens)
        .isEqualTo(places.stream().map(place -> name(tokenizer, place.token())).toList());
    for (int i = 0; i < places.size(); i++) {
      List<Candidate> top = places.get(i).top();
      JsonNode answered = logprobs.get("top_logprobs").get(i);
      assertThat(answered.size()).isEqualTo(top.size());
      for (Candidate candidate : top) {
        String name = name(tokenizer, candidate.id());
        assertThat(answered.path(name).asDouble())
            .as("'%s' at place %d", name, i)
            .isCloseTo(candidate.logProbability(), within(TOLERANCE));
      }
      assertThat(logprobs.get("token_logprobs").get(i).asDouble())
          .isCloseTo(top.getFirst().logProbability(), within(TOLERANCE));
    }
  }

  /** Greedy texts without the token that ends them. */
  private static List<List<Place>> inThisProcess(
      GgufFile file, Tokenizer tokenizer, List<int[]> prompts) throws Exception {
    List<List<Place>> texts = new ArrayList<>();
    prompts.forEach(prompt -> texts.add(new ArrayList<>()));
    try (RankCluster cluster = Texts.cluster(file, prompts, TOKENS)) {
      Texts.run(
          cluster,
          prompts,
          TOKENS,
          (text, place, logits) -> {
            List<Candidate> top = top(logits);
            int token = top.getFirst().id();
            if (tokenizer.isEndOfGeneration(token)) {
              return Texts.END;
            }
            texts.get(text).add(new Place(token, top));
            return place + 1 < TOKENS ? token : Texts.END;
          });
    }
    return texts;
  }

  private static List<Candidate> top(float[] logits) {
    double logSum = Logits.logSumExp(logits);
    float[] left = logits.clone();
    List<Candidate> top = new ArrayList<>();
    while (top.size() < TOP) {
      int id = Logits.best(left);
      top.add(new Candidate(id, logits[id] - logSum));
      left[id] = Float.NEGATIVE_INFINITY;
    }
    return top;
  }

  private static JsonNode complete(List<int[]> prompts) throws Exception {
    Map<String, Object> body =
        Map.of("prompt", prompts, "max_tokens", TOKENS, "temperature", 0, "logprobs", TOP);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofMinutes(3))
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)))
            .build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      return JSON.readTree(response.body());
    }
  }

  /** As the API writes a token. */
  private static String name(Tokenizer tokenizer, int id) {
    byte[] bytes = tokenizer.tokenBytes(id);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return "bytes:" + HexFormat.ofDelimiter("").withPrefix("\\x").formatHex(bytes);
    }
  }
}
