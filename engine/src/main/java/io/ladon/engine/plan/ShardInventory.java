package io.ladon.engine.plan;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.TensorNames;
import java.util.ArrayList;
import java.util.List;

/**
 * The slices of a checkpoint that one rank needs, and no others: each tensor at most once, in the
 * order in which a step meets them. Columns are rounded outward to whole blocks of the tensor's
 * type.
 *
 * @param slices none of them empty
 * @param bytes of all slices, encoded
 */
public record ShardInventory(List<TensorSlice> slices, long bytes) {

  public ShardInventory {
    slices = List.copyOf(slices);
  }

  /**
   * What a rank of a plan needs.
   *
   * @throws CheckpointException if the checkpoint lacks a tensor of the plan's model
   */
  public static ShardInventory of(ShardPlan plan, GgufHeader header, int rank)
      throws CheckpointException {
    return new Collector(plan, header, rank).collect();
  }

  private static final class Collector {

    private final ShardPlan plan;
    private final ModelSpec spec;
    private final RankPlan own;
    private final GgufHeader header;
    private final List<TensorSlice> slices = new ArrayList<>();
    private long bytes;

    Collector(ShardPlan plan, GgufHeader header, int rank) {
      this.plan = plan;
      this.spec = plan.spec();
      this.own = plan.rank(rank);
      this.header = header;
    }

    ShardInventory collect() throws CheckpointException {
      if (spec.rope().frequencyFactors()) {
        whole(TensorNames.ROPE_FREQUENCIES);
      }
      for (int layer = 0; layer < spec.layers(); layer++) {
        collectAttention(layer);
        collectFeedForward(layer);
      }
      whole(TensorNames.OUTPUT_NORM);
      rows(
          spec.tiedEmbeddings() ? TensorNames.TOKEN_EMBEDDING : TensorNames.OUTPUT,
          own.vocabulary());
      return new ShardInventory(slices, bytes);
    }

    private void collectAttention(int layer) throws CheckpointException {
      Range queries = own.queryHeads().times(spec.headSize());
      Range keys = own.kvHeads().times(spec.headSize());
      whole(TensorNames.attentionNorm(layer));
      rows(TensorNames.query(layer), queries);
      rows(TensorNames.key(layer), keys);
      rows(TensorNames.value(layer), keys);
      if (spec.attentionBias()) {
        elements(TensorNames.queryBias(layer), queries);
        elements(TensorNames.keyBias(layer), keys);
        elements(TensorNames.valueBias(layer), keys);
      }
      if (spec.queryKeyNorm()) {
        whole(TensorNames.queryNorm(layer));
        whole(TensorNames.keyNorm(layer));
      }
      part(
          TensorNames.attentionOutput(layer),
          own.outputRows(),
          own.outputLeaves().times(plan.outputLeafColumns()));
      if (spec.postNorms()) {
        whole(TensorNames.attentionPostNorm(layer));
      }
    }

    private void collectFeedForward(int layer) throws CheckpointException {
      whole(TensorNames.feedForwardNorm(layer));
      rows(TensorNames.gate(layer), own.feedForward());
      rows(TensorNames.up(layer), own.feedForward());
      part(TensorNames.down(layer), own.downRows(), own.downLeaves().times(plan.downLeafColumns()));
      if (spec.postNorms()) {
        whole(TensorNames.feedForwardPostNorm(layer));
      }
    }

    private void whole(String tensor) throws CheckpointException {
      TensorInfo info = header.tensor(tensor);
      add(info, new Range(0, info.rows()), new Range(0, info.columns()));
    }

    private void rows(String tensor, Range rows) throws CheckpointException {
      TensorInfo info = header.tensor(tensor);
      add(info, rows, new Range(0, info.columns()));
    }

    private void elements(String vector, Range elements) throws CheckpointException {
      add(header.tensor(vector), new Range(0, 1), elements);
    }

    /** Rows and columns; the last leaf may be narrower than its columns say. */
    private void part(String tensor, Range rows, Range columns) throws CheckpointException {
      TensorInfo info = header.tensor(tensor);
      int end = Math.min(columns.end(), info.columns());
      int block = info.type().blockElements();
      add(
          info,
          rows,
          columns.isEmpty()
              ? columns
              : new Range(columns.begin() / block * block, (end + block - 1) / block * block));
    }

    private void add(TensorInfo info, Range rows, Range columns) {
      if (rows.isEmpty() || columns.isEmpty()) {
        return;
      }
      slices.add(
          new TensorSlice(info.name(), rows.begin(), rows.end(), columns.begin(), columns.end()));
      bytes += info.type().bytesFor(columns.size()) * rows.size();
    }
  }
}
