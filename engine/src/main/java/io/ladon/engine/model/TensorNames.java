package io.ladon.engine.model;

/** Names of the decoder's tensors in a GGUF file. Shapes are rows x columns. */
public final class TensorNames {

  /** Token embeddings (vocabulary, hidden). */
  public static final String TOKEN_EMBEDDING = "token_embd.weight";

  /** Weight of the norm before the vocabulary head (hidden). */
  public static final String OUTPUT_NORM = "output_norm.weight";

  /** Vocabulary head (vocabulary, hidden); absent where it is the embedding. */
  public static final String OUTPUT = "output.weight";

  /** Divisors of the rotary frequencies (rotated dimensions / 2). */
  public static final String ROPE_FREQUENCIES = "rope_freqs.weight";

  private TensorNames() {}

  /** Weight of the norm before attention (hidden). */
  public static String attentionNorm(int layer) {
    return of(layer, "attn_norm.weight");
  }

  /** Query projection (query heads * head size, hidden). */
  public static String query(int layer) {
    return of(layer, "attn_q.weight");
  }

  /** Key projection (KV heads * head size, hidden). */
  public static String key(int layer) {
    return of(layer, "attn_k.weight");
  }

  /** Value projection (KV heads * head size, hidden). */
  public static String value(int layer) {
    return of(layer, "attn_v.weight");
  }

  /** Bias of the query projection (query heads * head size). */
  public static String queryBias(int layer) {
    return of(layer, "attn_q.bias");
  }

  /** Bias of the key projection (KV heads * head size). */
  public static String keyBias(int layer) {
    return of(layer, "attn_k.bias");
  }

  /** Bias of the value projection (KV heads * head size). */
  public static String valueBias(int layer) {
    return of(layer, "attn_v.bias");
  }

  /** Weight of the norm of each query head (head size). */
  public static String queryNorm(int layer) {
    return of(layer, "attn_q_norm.weight");
  }

  /** Weight of the norm of each key head (head size). */
  public static String keyNorm(int layer) {
    return of(layer, "attn_k_norm.weight");
  }

  /** Output projection (hidden, query heads * head size). */
  public static String attentionOutput(int layer) {
    return of(layer, "attn_output.weight");
  }

  /** Weight of the norm of attention's result (hidden). */
  public static String attentionPostNorm(int layer) {
    return of(layer, "post_attention_norm.weight");
  }

  /** Weight of the norm before the feed-forward part (hidden). */
  public static String feedForwardNorm(int layer) {
    return of(layer, "ffn_norm.weight");
  }

  /** Gate (feed-forward size, hidden). */
  public static String gate(int layer) {
    return of(layer, "ffn_gate.weight");
  }

  /** Up (feed-forward size, hidden). */
  public static String up(int layer) {
    return of(layer, "ffn_up.weight");
  }

  /** Down (hidden, feed-forward size). */
  public static String down(int layer) {
    return of(layer, "ffn_down.weight");
  }

  /** Weight of the norm of the feed-forward part's result (hidden). */
  public static String feedForwardPostNorm(int layer) {
    return of(layer, "post_ffw_norm.weight");
  }

  private static String of(int layer, String name) {
    return "blk." + layer + "." + name;
  }
}
