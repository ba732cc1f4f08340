package io.ladon.engine.model;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Which tensors a model's decoder uses, and whether a checkpoint has exactly those. */
final class ModelTensors {

  /** A tensor that must be there. A vector has one row. */
  record Expected(String name, int rows, int columns) {}

  private final ModelSpec spec;
  private final List<Expected> expected = new ArrayList<>();

  private ModelTensors(ModelSpec spec) {
    this.spec = spec;
  }

  /** All tensors of a model. */
  static List<Expected> of(ModelSpec spec) {
    ModelTensors tensors = new ModelTensors(spec);
    tensors.collect();
    return tensors.expected;
  }

  /** Refuses a checkpoint that lacks a tensor, has another shape, or holds one that is not used. */
  static void check(GgufHeader header, ModelSpec spec) throws CheckpointException {
    if (spec.layers() > header.tensors().size()) {
      throw new CheckpointException(
          "%s is %d, but the file has only %d tensors"
              .formatted(
                  header.where(spec.architecture() + ".block_count"),
                  spec.layers(),
                  header.tensors().size()));
    }
    Set<String> used = new HashSet<>();
    for (Expected want : of(spec)) {
      TensorInfo tensor = header.tensor(want.name());
      if (tensor.rows() != want.rows() || tensor.columns() != want.columns()) {
        throw new CheckpointException(
            "%s has %d x %d elements (rows x columns), but the model's sizes ask for %d x %d"
                .formatted(
                    header.where(want.name()),
                    tensor.rows(),
                    tensor.columns(),
                    want.rows(),
                    want.columns()));
      }
      if (want.rows() == 1 && !tensor.type().isFloat()) {
        throw new CheckpointException(
            "%s is a vector of type %s, which is not supported: it must be F32, F16 or BF16"
                .formatted(header.where(want.name()), tensor.type()));
      }
      used.add(want.name());
    }
    for (String name : header.tensors().keySet()) {
      if (!used.contains(name)) {
        throw new CheckpointException(
            "%s is not used by a '%s' model here; leaving it out would change what it computes, so it is refused"
                .formatted(header.where(name), spec.architecture()));
      }
    }
  }

  private void collect() {
    matrix(TensorNames.TOKEN_EMBEDDING, spec.vocabularySize(), spec.hiddenSize());
    vector(TensorNames.OUTPUT_NORM, spec.hiddenSize());
    if (!spec.tiedEmbeddings()) {
      matrix(TensorNames.OUTPUT, spec.vocabularySize(), spec.hiddenSize());
    }
    if (spec.rope().frequencyFactors()) {
      vector(TensorNames.ROPE_FREQUENCIES, spec.rope().dimensions() / 2);
    }
    for (int layer = 0; layer < spec.layers(); layer++) {
      collectAttention(layer);
      collectFeedForward(layer);
    }
  }

  private void collectAttention(int layer) {
    int kvRows = spec.kvHeads() * spec.headSize();
    vector(TensorNames.attentionNorm(layer), spec.hiddenSize());
    matrix(TensorNames.query(layer), spec.headColumns(), spec.hiddenSize());
    matrix(TensorNames.key(layer), kvRows, spec.hiddenSize());
    matrix(TensorNames.value(layer), kvRows, spec.hiddenSize());
    if (spec.attentionBias()) {
      vector(TensorNames.queryBias(layer), spec.headColumns());
      vector(TensorNames.keyBias(layer), kvRows);
      vector(TensorNames.valueBias(layer), kvRows);
    }
    if (spec.queryKeyNorm()) {
      vector(TensorNames.queryNorm(layer), spec.headSize());
      vector(TensorNames.keyNorm(layer), spec.headSize());
    }
    matrix(TensorNames.attentionOutput(layer), spec.hiddenSize(), spec.headColumns());
    if (spec.postNorms()) {
      vector(TensorNames.attentionPostNorm(layer), spec.hiddenSize());
    }
  }

  private void collectFeedForward(int layer) {
    vector(TensorNames.feedForwardNorm(layer), spec.hiddenSize());
    matrix(TensorNames.gate(layer), spec.feedForwardSize(), spec.hiddenSize());
    matrix(TensorNames.up(layer), spec.feedForwardSize(), spec.hiddenSize());
    matrix(TensorNames.down(layer), spec.hiddenSize(), spec.feedForwardSize());
    if (spec.postNorms()) {
      vector(TensorNames.feedForwardPostNorm(layer), spec.hiddenSize());
    }
  }

  private void matrix(String name, int rows, int columns) {
    expected.add(new Expected(name, rows, columns));
  }

  private void vector(String name, int elements) {
    expected.add(new Expected(name, 1, elements));
  }
}
