package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.SlabAllocator;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.TensorNames;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Reads and packs what one rank owns. */
final class WeightLoader {

  private static final LeafTree ONE_LEAF = new LeafTree(1);

  private final ShardPlan plan;
  private final ModelSpec spec;
  private final RankPlan own;
  private final GgufHeader header;
  private final SliceSource source;
  private final PackedShelf shelf;
  private final AtomicLong bytes = new AtomicLong();
  private final Arena arena = Arena.ofShared();
  private final SegmentAllocator memory = new SlabAllocator(arena);

  WeightLoader(ShardPlan plan, int rank, GgufHeader header, SliceSource source, PackedShelf shelf) {
    this.plan = plan;
    this.spec = plan.spec();
    this.own = plan.rank(rank);
    this.header = header;
    this.source = source;
    this.shelf = shelf;
  }

  ShardWeights load(ThreadTeam team) throws IOException {
    try {
      String head = spec.tiedEmbeddings() ? TensorNames.TOKEN_EMBEDDING : TensorNames.OUTPUT;
      MemorySegment outputNorm = vector(TensorNames.OUTPUT_NORM);
      // First: what is small in the layers fills the memory behind it.
      PackedMatrix vocabulary = matrix(head, own.vocabulary());
      LayerWeights[] layers = new LayerWeights[spec.layers()];
      team.run(
          layers.length,
          1,
          (thread, begin, end) -> {
            for (int i = begin; i < end; i++) {
              layers[i] = layerUnchecked(i);
            }
          });
      float[] ropeFactors = spec.rope().frequencyFactors() ? ropeFactors() : null;
      return new ShardWeights(
          arena,
          bytes.get(), // of all that has been loaded above
          Arrays.asList(layers),
          outputNorm,
          vocabulary,
          InputKind.of(type(head)),
          type(TensorNames.TOKEN_EMBEDDING),
          ropeFactors);
    } catch (UncheckedIOException e) {
      arena.close();
      throw Objects.requireNonNull(e.getCause());
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private LayerWeights layerUnchecked(int layer) {
    try {
      return layer(layer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private LayerWeights layer(int i) throws IOException {
    boolean biases = spec.attentionBias() && !own.queryHeads().isEmpty();
    Range queries = own.queryHeads().times(spec.headSize());
    Range keys = own.kvHeads().times(spec.headSize());
    boolean headNorms = spec.queryKeyNorm();
    boolean postNorms = spec.postNorms();
    return new LayerWeights(
        vector(TensorNames.attentionNorm(i)),
        matrix(TensorNames.query(i), queries),
        matrix(TensorNames.key(i), keys),
        matrix(TensorNames.value(i), keys),
        biases ? vector(TensorNames.queryBias(i), queries) : null,
        biases ? vector(TensorNames.keyBias(i), keys) : null,
        biases ? vector(TensorNames.valueBias(i), keys) : null,
        headNorms ? vector(TensorNames.queryNorm(i)) : null,
        headNorms ? vector(TensorNames.keyNorm(i)) : null,
        columns(
            TensorNames.attentionOutput(i),
            own.outputRows(),
            plan.outputLeafColumns(),
            plan.outputLeaves(),
            own.outputLeaves(),
            spec.headColumns()),
        postNorms ? vector(TensorNames.attentionPostNorm(i)) : null,
        vector(TensorNames.feedForwardNorm(i)),
        matrix(TensorNames.gate(i), own.feedForward()),
        matrix(TensorNames.up(i), own.feedForward()),
        columns(
            TensorNames.down(i),
            own.downRows(),
            plan.downLeafColumns(),
            plan.downLeaves(),
            own.downLeaves(),
            spec.feedForwardSize()),
        postNorms ? vector(TensorNames.feedForwardPostNorm(i)) : null,
        InputKind.of(
            type(TensorNames.query(i)), type(TensorNames.key(i)), type(TensorNames.value(i))),
        InputKind.of(type(TensorNames.attentionOutput(i))),
        InputKind.of(type(TensorNames.gate(i)), type(TensorNames.up(i))),
        InputKind.of(type(TensorNames.down(i))));
  }

  /** Rows of a matrix of one leaf; null if the rank owns none of it. */
  private @Nullable PackedMatrix matrix(String name, Range rows) throws IOException {
    int columns = header.tensor(name).columns();
    return pack(name, rows, new Range(0, columns), columns, ONE_LEAF, new Range(0, 1));
  }

  /** Rows and leaves of a matrix whose sum has leaves; null if the rank owns none of it. */
  private @Nullable PackedMatrix columns(
      String name, Range rows, int leafColumns, LeafTree tree, Range leaves, int allColumns)
      throws IOException {
    Range columns =
        new Range(
            Math.min(leaves.begin() * leafColumns, allColumns),
            Math.min(leaves.end() * leafColumns, allColumns));
    return pack(name, rows, columns, leafColumns, tree, leaves);
  }

  private @Nullable PackedMatrix pack(
      String name, Range rows, Range columns, int leafColumns, LeafTree tree, Range leaves)
      throws IOException {
    if (rows.isEmpty() || columns.isEmpty()) {
      return null;
    }
    TensorType type = type(name);
    // Whole blocks of the encoding: of a cut in a block of 256 columns both sides get the block.
    int block = type.blockElements();
    int begin = columns.begin() / block * block;
    int end = (columns.end() + block - 1) / block * block;
    PackedMatrix packed =
        PackedMatrix.allocate(
            memory,
            type,
            rows.size(),
            columns.begin() - begin,
            columns.size(),
            leafColumns,
            tree,
            leaves);
    if (!shelf.take(name, packed.segment())) {
      packed.pack(
          source.slice(new TensorSlice(name, rows.begin(), rows.end(), begin, end)),
          end - begin,
          columns.begin() - begin);
      shelf.put(name, packed.segment());
    }
    bytes.addAndGet(packed.bytes());
    return packed;
  }

  private MemorySegment vector(String name) throws IOException {
    return vector(name, new Range(0, header.tensor(name).columns()));
  }

  /** Elements of a vector, as float32. */
  private MemorySegment vector(String name, Range elements) throws IOException {
    MemorySegment segment = memory.allocate(elements.size() * 4L, FloatTensor.ALIGNMENT);
    if (!shelf.take(name, segment)) {
      float[] values = new float[elements.size()];
      TensorSlice slice = new TensorSlice(name, 0, 1, elements.begin(), elements.end());
      TensorDecoder.decode(type(name), source.slice(slice), 0, values, 0, values.length);
      MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, 0, values.length);
      shelf.put(name, segment);
    }
    bytes.addAndGet(segment.byteSize());
    return segment;
  }

  private float[] ropeFactors() throws IOException {
    return vector(TensorNames.ROPE_FREQUENCIES, new Range(0, spec.rope().dimensions() / 2))
        .toArray(ValueLayout.JAVA_FLOAT);
  }

  private TensorType type(String name) throws IOException {
    return header.tensor(name).type();
  }
}
