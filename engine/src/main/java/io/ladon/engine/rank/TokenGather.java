package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A gather of tokens: each rank has finished consecutive tokens and gets the others'. What travels
 * is one record a token, see {@link Rows#recordBytes}.
 */
final class TokenGather {

  private final Link link;
  private final int rank;
  private final MemorySegment buffer; // records of all tokens in order
  private final @Nullable MemorySegment[] send;
  private final @Nullable MemorySegment[] receive;

  TokenGather(Arena arena, Link link, int maxTokens, int columns) {
    this.link = link;
    this.rank = link.rank();
    this.buffer =
        arena.allocate(
            Math.max(1, (long) maxTokens * Rows.recordBytes(columns, false)),
            FloatTensor.ALIGNMENT);
    this.send = new MemorySegment[link.ranks()];
    this.receive = new MemorySegment[link.ranks()];
  }

  /**
   * Gathers whole rows; where it is int8 that travels, the block sums of the others' rows are still
   * to be filled in.
   *
   * @param begins first row of each rank, and the number of rows
   */
  void gather(int layer, ExchangePoint point, Rows rows, int[] begins, boolean quantized) {
    int columns = rows.columns();
    long record = Rows.recordBytes(columns, quantized);
    int ranks = link.ranks();
    for (int r = 0; r < ranks; r++) {
      MemorySegment part = buffer.asSlice(begins[r] * record, (begins[r + 1] - begins[r]) * record);
      receive[r] = part;
    }
    MemorySegment mine = receive[rank];
    for (int r = 0; r < ranks; r++) {
      send[r] = mine;
    }
    for (int t = begins[rank]; t < begins[rank + 1]; t++) {
      rows.write(t, 0, columns, quantized, buffer, t * record);
    }
    link.swap(layer, point, send, receive);
    for (int t = 0; t < begins[ranks]; t++) {
      if (t < begins[rank] || t >= begins[rank + 1]) {
        rows.read(t, 0, columns, quantized, buffer, t * record);
      }
    }
  }
}
