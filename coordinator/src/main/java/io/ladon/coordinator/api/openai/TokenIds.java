package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.tokenizer.Tokenizer;
import tools.jackson.databind.JsonNode;

/** Token ids in a request. */
final class TokenIds {
  private TokenIds() {}

  /** Reads an array of ids, each of which the vocabulary has. */
  static int[] read(String path, JsonNode array, Tokenizer tokenizer) throws ApiException {
    int[] ids = new int[array.size()];
    int last = tokenizer.vocabularySize() - 1;
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) JsonFields.integer(path + "[" + i + "]", array.get(i), 0, last);
    }
    return ids;
  }
}
