package io.ladon.engine.model;

/**
 * What the one decoder needs to know of a model. Every family is described by these values; no
 * class knows a family by name.
 *
 * @param architecture the checkpoint's name for the family, for messages only
 * @param name the model's own name, for people
 * @param vocabularySize rows of the embedding and of the vocabulary head
 * @param contextLength positions the model was made for
 * @param layers decoder layers
 * @param hiddenSize width of the residual stream
 * @param feedForwardSize width of gate and up
 * @param queryHeads query heads of a layer
 * @param kvHeads KV heads of a layer; divides {@code queryHeads}
 * @param headSize width of one head, query, key and value alike
 * @param normEpsilon added to the mean square in every RMS norm
 * @param activation of the gate
 * @param rope rotary position embedding
 * @param attentionScale factor on every query-key product
 * @param embeddingScale factor on token embeddings; 1 for none
 * @param queryKeyNorm whether each query and key head is RMS-normalised before the rotation
 * @param attentionBias whether Q, K and V add a bias
 * @param postNorms whether the outputs of attention and of feed-forward are normalised before they
 *     join the residual
 * @param slidingWindow positions a sliding layer sees, itself included; 0 where no layer slides
 * @param slidingPattern in a sliding model every {@code slidingPattern}-th layer is global, the
 *     others slide; 0 where no layer slides
 * @param tiedEmbeddings whether the vocabulary head is the embedding matrix
 */
public record ModelSpec(
    String architecture,
    String name,
    int vocabularySize,
    int contextLength,
    int layers,
    int hiddenSize,
    int feedForwardSize,
    int queryHeads,
    int kvHeads,
    int headSize,
    float normEpsilon,
    Activation activation,
    RopeSpec rope,
    float attentionScale,
    float embeddingScale,
    boolean queryKeyNorm,
    boolean attentionBias,
    boolean postNorms,
    int slidingWindow,
    int slidingPattern,
    boolean tiedEmbeddings) {

  /** Query heads that share one KV head. */
  public int groupSize() {
    return queryHeads / kvHeads;
  }

  /** Columns of the output projection: all heads side by side. */
  public int headColumns() {
    return queryHeads * headSize;
  }

  /** Whether a layer attends only to the last {@link #slidingWindow} positions. */
  public boolean slides(int layer) {
    return slidingPattern > 0 && (layer + 1) % slidingPattern != 0;
  }

  /** Function applied to the gate before it multiplies up. */
  public enum Activation {
    /** x * sigmoid(x). */
    SILU,
    /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
    GELU_TANH
  }
}
