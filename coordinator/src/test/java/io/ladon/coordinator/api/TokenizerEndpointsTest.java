package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TokenizerEndpointsTest {
  private static ApiFixture api;

  @BeforeAll
  static void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterAll
  static void stop() {
    api.close();
  }

  private static String tokenize(String body) throws Exception {
    return api.post("/tokenize", body).response().body();
  }

  @Test
  void tokenizes() throws Exception {
    assertThat(tokenize("{\"content\":\"Hi\"}")).isEqualTo("{\"tokens\":[72,105],\"count\":2}");
    assertThat(tokenize("{\"prompt\":\"Hi\",\"model\":\"test-model\"}"))
        .isEqualTo("{\"tokens\":[72,105],\"count\":2}");
    assertThat(tokenize("{\"content\":\"</s>\",\"add_special\":true}"))
        .isEqualTo("{\"tokens\":[256,257],\"count\":2}");
    assertThat(tokenize("{\"content\":\"</s>\",\"parse_special\":false}"))
        .isEqualTo("{\"tokens\":[60,47,115,62],\"count\":4}");
    assertThat(tokenize("{\"content\":\"\"}")).isEqualTo("{\"tokens\":[],\"count\":0}");
    assertThat(tokenize("{\"content\":\"aé\",\"with_pieces\":true}"))
        .isEqualTo(
            "{\"tokens\":[{\"id\":97,\"piece\":\"a\"},{\"id\":195,\"piece\":[195]},"
                + "{\"id\":169,\"piece\":[169]}],\"count\":3}");
  }

  @Test
  void detokenizes() throws Exception {
    assertThat(api.post("/detokenize", "{\"tokens\":[256,72,195,169,260]}").response().body())
        .isEqualTo("{\"content\":\"<s>HéHello\"}");
    assertThat(api.post("/detokenize", "{\"tokens\":[]}").response().body())
        .isEqualTo("{\"content\":\"\"}");
  }

  @Test
  void refusesTheRest() throws Exception {
    assertThat(api.post("/tokenize", "{}").errorParam(400)).isEqualTo("content");
    assertThat(api.post("/tokenize", "{\"content\":1}").errorParam(400)).isEqualTo("content");
    assertThat(api.post("/tokenize", "{\"content\":\"a\",\"prompt\":\"a\"}").errorParam(400))
        .isEqualTo("prompt");
    assertThat(api.post("/tokenize", "{\"content\":\"a\",\"x\":1}").errorParam(400)).isEqualTo("x");
    assertThat(api.post("/tokenize", "{\"content\":\"a\",\"model\":\"other\"}").errorParam(404))
        .isEqualTo("model");
    assertThat(api.post("/detokenize", "{}").errorParam(400)).isEqualTo("tokens");
    assertThat(api.post("/detokenize", "{\"tokens\":1}").errorParam(400)).isEqualTo("tokens");
    assertThat(api.post("/detokenize", "{\"tokens\":[263]}").errorParam(400))
        .isEqualTo("tokens[0]");
    assertThat(api.post("/detokenize", "{\"tokens\":[\"a\"]}").errorParam(400))
        .isEqualTo("tokens[0]");
  }
}
