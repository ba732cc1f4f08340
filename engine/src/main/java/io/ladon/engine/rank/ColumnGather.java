package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A gather of columns: each rank has its columns of every token and gets the others'. What travels
 * is one record a token, see {@link Rows#recordBytes}.
 */
final class ColumnGather {

  private final List<Range> columns; // by rank
  private final int rank;
  private final Link link;
  private final MemorySegment sendBuffer;
  private final MemorySegment[] receiveBuffers;
  private final @Nullable MemorySegment[] send;
  private final @Nullable MemorySegment[] receive;

  // What send and receive are cut for.
  private int cutTokens = -1;
  private boolean cutQuantized;
  private boolean cutShares;

  /**
   * @param columns of each rank
   */
  ColumnGather(Arena arena, Link link, List<Range> columns, int maxTokens) {
    this.columns = List.copyOf(columns);
    this.rank = link.rank();
    this.link = link;
    int ranks = columns.size();
    this.sendBuffer = allocate(arena, columns.get(rank), maxTokens);
    this.receiveBuffers = new MemorySegment[ranks];
    for (int r = 0; r < ranks; r++) {
      receiveBuffers[r] =
          r == rank ? MemorySegment.NULL : allocate(arena, columns.get(r), maxTokens);
    }
    this.send = new MemorySegment[ranks];
    this.receive = new MemorySegment[ranks];
  }

  /**
   * Gathers the columns of {@code rows}; where it is int8 that travels, the block sums of the
   * others' columns are still to be filled in.
   *
   * @param shares whether each rank gets the tokens of its share only
   */
  void gather(
      int layer,
      ExchangePoint point,
      Rows rows,
      StepShape shape,
      boolean quantized,
      boolean shares) {
    cut(shape, quantized, shares);
    Range own = columns.get(rank);
    int record = Rows.recordBytes(own.size(), quantized);
    for (int t = 0; t < shape.tokens() && !own.isEmpty(); t++) {
      rows.write(t, own.begin(), own.end(), quantized, sendBuffer, (long) t * record);
    }
    link.swap(layer, point, send, receive);
    int begin = shares ? shape.mineBegin() : 0;
    int end = shares ? shape.mineEnd() : shape.tokens();
    for (int r = 0; r < columns.size(); r++) {
      Range part = columns.get(r);
      if (r == rank || part.isEmpty()) {
        continue;
      }
      int size = Rows.recordBytes(part.size(), quantized);
      for (int t = begin; t < end; t++) {
        rows.read(
            t, part.begin(), part.end(), quantized, receiveBuffers[r], (long) (t - begin) * size);
      }
    }
  }

  private void cut(StepShape shape, boolean quantized, boolean shares) {
    if (shape.tokens() == cutTokens && quantized == cutQuantized && shares == cutShares) {
      return;
    }
    cutTokens = shape.tokens();
    cutQuantized = quantized;
    cutShares = shares;
    long record = Rows.recordBytes(columns.get(rank).size(), quantized);
    MemorySegment all = sendBuffer.asSlice(0, record * shape.tokens());
    int mine = shares ? shape.mineEnd() - shape.mineBegin() : shape.tokens();
    for (int r = 0; r < columns.size(); r++) {
      if (r == rank) {
        continue;
      }
      send[r] =
          shares
              ? sendBuffer.asSlice(
                  record * shape.shareBegin(r), record * (shape.shareEnd(r) - shape.shareBegin(r)))
              : all;
      receive[r] =
          receiveBuffers[r].asSlice(
              0, (long) mine * Rows.recordBytes(columns.get(r).size(), quantized));
    }
  }

  private static MemorySegment allocate(Arena arena, Range columns, int tokens) {
    return arena.allocate(Math.max(1, 4L * tokens * columns.size()), FloatTensor.ALIGNMENT);
  }
}
