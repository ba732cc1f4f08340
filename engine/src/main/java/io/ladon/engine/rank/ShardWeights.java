package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.plan.ShardPlan;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What one rank holds of a model's weights, packed for the kernels. */
public final class ShardWeights implements AutoCloseable {

  private final Arena arena;
  private final long bytes;
  private final List<LayerWeights> layers;
  private final MemorySegment outputNorm;
  private final @Nullable PackedMatrix vocabulary;
  private final InputKind vocabularyInput;
  private final TensorType embeddingType;
  private final float @Nullable [] ropeFactors;

  ShardWeights(
      Arena arena,
      long bytes,
      List<LayerWeights> layers,
      MemorySegment outputNorm,
      @Nullable PackedMatrix vocabulary,
      InputKind vocabularyInput,
      TensorType embeddingType,
      float @Nullable [] ropeFactors) {
    this.arena = arena;
    this.bytes = bytes;
    this.layers = List.copyOf(layers);
    this.outputNorm = outputNorm;
    this.vocabulary = vocabulary;
    this.vocabularyInput = vocabularyInput;
    this.embeddingType = embeddingType;
    this.ropeFactors = ropeFactors;
  }

  /**
   * Reads and packs a rank's slices.
   *
   * @param team packs layers side by side
   * @throws IOException if a slice cannot be had; the message names the tensor
   */
  public static ShardWeights load(
      ShardPlan plan, int rank, GgufHeader header, SliceSource source, ThreadTeam team)
      throws IOException {
    return load(plan, rank, header, source, PackedShelf.NONE, team);
  }

  /**
   * Takes a rank's packed weights from a shelf; what it does not have is read, packed and put
   * there.
   *
   * @param team works on layers side by side
   * @throws IOException if a slice cannot be had, or the shelf's content is not right; the message
   *     names the tensor
   */
  public static ShardWeights load(
      ShardPlan plan,
      int rank,
      GgufHeader header,
      SliceSource source,
      PackedShelf shelf,
      ThreadTeam team)
      throws IOException {
    return new WeightLoader(plan, rank, header, source, shelf).load(team);
  }

  /** Bytes in memory, about: packed matrices and vectors. */
  public long bytes() {
    return bytes;
  }

  LayerWeights layer(int layer) {
    return layers.get(layer);
  }

  /** Weight of the norm before the vocabulary head (hidden). */
  MemorySegment outputNorm() {
    return outputNorm;
  }

  /** Types of the matrices. */
  public Set<TensorType> types() {
    return largestOfTypes().keySet();
  }

  /** Of each type of matrices the one with the most bytes. */
  Map<TensorType, PackedMatrix> largestOfTypes() {
    Map<TensorType, PackedMatrix> largest = new EnumMap<>(TensorType.class);
    Stream.concat(layers.stream().flatMap(LayerWeights::matrices), Stream.ofNullable(vocabulary))
        .forEach(each -> largest.merge(each.type(), each, (a, b) -> b.bytes() > a.bytes() ? b : a));
    return largest;
  }

  /** The vocabulary head's own rows (rows, hidden); null if it has none. */
  @Nullable PackedMatrix vocabulary() {
    return vocabulary;
  }

  InputKind vocabularyInput() {
    return vocabularyInput;
  }

  /** How the embedding rows of a step are encoded. */
  TensorType embeddingType() {
    return embeddingType;
  }

  /** Divisors of the rotary frequencies; null for none. */
  float @Nullable [] ropeFactors() {
    return ropeFactors;
  }

  /** Frees the memory. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
