package io.ladon.engine.rank;

import io.ladon.engine.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One rank's weights of one layer. Matrices of which the rank owns nothing are null, and so are
 * vectors that the model does not have; vectors are float32.
 *
 * @param attentionNorm (hidden)
 * @param query (own query heads * head size, hidden)
 * @param key (own KV heads * head size, hidden)
 * @param value (own KV heads * head size, hidden)
 * @param queryBias (own query heads * head size)
 * @param keyBias (own KV heads * head size)
 * @param valueBias (own KV heads * head size)
 * @param queryNorm (head size)
 * @param keyNorm (head size)
 * @param output (own rows, own columns)
 * @param attentionPostNorm (hidden)
 * @param feedForwardNorm (hidden)
 * @param gate (own feed-forward rows, hidden)
 * @param up (own feed-forward rows, hidden)
 * @param down (own rows, own columns)
 * @param feedForwardPostNorm (hidden)
 * @param attentionInput what Q, K and V eat
 * @param outputInput what the output projection eats
 * @param feedForwardInput what gate and up eat
 * @param downInput what down eats
 */
record LayerWeights(
    MemorySegment attentionNorm,
    @Nullable PackedMatrix query,
    @Nullable PackedMatrix key,
    @Nullable PackedMatrix value,
    @Nullable MemorySegment queryBias,
    @Nullable MemorySegment keyBias,
    @Nullable MemorySegment valueBias,
    @Nullable MemorySegment queryNorm,
    @Nullable MemorySegment keyNorm,
    @Nullable PackedMatrix output,
    @Nullable MemorySegment attentionPostNorm,
    MemorySegment feedForwardNorm,
    @Nullable PackedMatrix gate,
    @Nullable PackedMatrix up,
    @Nullable PackedMatrix down,
    @Nullable MemorySegment feedForwardPostNorm,
    InputKind attentionInput,
    InputKind outputInput,
    InputKind feedForwardInput,
    InputKind downInput) {

  /** Those that the rank has something of. */
  Stream<PackedMatrix> matrices() {
    return Stream.of(query, key, value, output, gate, up, down).filter(Objects::nonNull);
  }
}
