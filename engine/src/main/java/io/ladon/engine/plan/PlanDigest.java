package io.ladon.engine.plan;

import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * CRC-32C of all that a plan says, one value after the other. What records write of themselves
 * would do as well, but takes the JVM tens of milliseconds to put together when a process starts.
 */
final class PlanDigest {

  private final CRC32C crc = new CRC32C();

  private PlanDigest() {}

  static String of(ShardPlan plan) {
    PlanDigest digest = new PlanDigest();
    digest.add(plan.spec());
    digest.add(plan.output());
    digest.add(plan.down());
    digest.add(plan.leaves().headGroups());
    digest.add(plan.leaves().downColumns());
    digest.add(plan.ranks().size());
    for (RankPlan rank : plan.ranks()) {
      digest.add(rank);
    }
    return Long.toHexString(digest.crc.getValue());
  }

  private void add(ModelSpec spec) {
    add(spec.architecture());
    add(spec.name());
    add(spec.vocabularySize());
    add(spec.contextLength());
    add(spec.layers());
    add(spec.hiddenSize());
    add(spec.feedForwardSize());
    add(spec.queryHeads());
    add(spec.kvHeads());
    add(spec.headSize());
    add(spec.normEpsilon());
    add(spec.activation());
    add(spec.rope());
    add(spec.attentionScale());
    add(spec.embeddingScale());
    add(spec.queryKeyNorm());
    add(spec.attentionBias());
    add(spec.postNorms());
    add(spec.slidingWindow());
    add(spec.slidingPattern());
    add(spec.tiedEmbeddings());
  }

  private void add(RopeSpec rope) {
    add(rope.style());
    add(rope.dimensions());
    add(rope.base());
    add(rope.slidingBase());
    add(rope.positionScale());
    add(rope.frequencyFactors());
  }

  private void add(RankPlan rank) {
    add(rank.rank());
    add(rank.queryHeads());
    add(rank.kvHeads());
    add(rank.feedForward());
    add(rank.outputRows());
    add(rank.outputLeaves());
    add(rank.downRows());
    add(rank.downLeaves());
    add(rank.vocabulary());
  }

  private void add(Range range) {
    add(range.begin());
    add(range.end());
  }

  private void add(Enum<?> value) {
    add(value.name());
  }

  private void add(String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    add(bytes.length);
    crc.update(bytes);
  }

  private void add(boolean value) {
    crc.update(value ? 1 : 0);
  }

  private void add(float value) {
    add(Float.floatToIntBits(value));
  }

  private void add(int value) {
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      crc.update(value >>> shift);
    }
  }
}
