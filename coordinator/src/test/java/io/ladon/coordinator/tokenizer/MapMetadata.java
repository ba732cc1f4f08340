package io.ladon.coordinator.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Metadata of a model file that is only in this test. */
final class MapMetadata implements TokenizerMetadata {

  private final Map<String, Object> entries = new HashMap<>();

  /** Puts {@code tokenizer.ggml.<key>}. */
  MapMetadata put(String key, Object value) {
    entries.put("tokenizer.ggml." + key, value);
    return this;
  }

  MapMetadata putGeneralName(String name) {
    entries.put("general.name", name);
    return this;
  }

  @Override
  public boolean has(String key) {
    return entries.containsKey(key);
  }

  @Override
  public String string(String key, String fallback) {
    return (String) entries.getOrDefault(key, fallback);
  }

  @Override
  public long integer(String key, long fallback) {
    return ((Number) entries.getOrDefault(key, fallback)).longValue();
  }

  @Override
  public boolean bool(String key, boolean fallback) {
    return (Boolean) entries.getOrDefault(key, fallback);
  }

  @Override
  @SuppressWarnings("unchecked") // the tests put lists of strings only
  public List<String> strings(String key) {
    return (List<String>) Objects.requireNonNull(entries.get(key));
  }

  @Override
  public float[] floats(String key) {
    return (float[]) Objects.requireNonNull(entries.get(key));
  }

  @Override
  public int[] ints(String key) {
    return (int[]) Objects.requireNonNull(entries.get(key));
  }
}
