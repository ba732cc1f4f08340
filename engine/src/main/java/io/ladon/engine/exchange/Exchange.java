package io.ladon.engine.exchange;

import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The exchange between the ranks of one epoch, from the side of one rank. Called by that rank's
 * compute thread only.
 *
 * <p>All ranks call {@link #swap} in the same order with sizes that fit: what rank a sends to rank
 * b has as many bytes as rank b expects from rank a. Everything that does not fit is an {@link
 * ExchangeException}, and so is every wait that passes its deadline. After an exception the
 * exchange is broken: every later call throws.
 */
public interface Exchange extends AutoCloseable {

  /** This rank's place, 0 .. ranks - 1. */
  int rank();

  /** Ranks in the epoch. */
  int ranks();

  /** Says which step the following swaps belong to; frames and errors carry it. */
  void beginStep(long step);

  /**
   * Sends {@code send[r]} to every other rank r and returns when {@code receive[r]} is filled by
   * every other rank r. The same segment may stand in several places of {@code send}. A null or
   * empty segment means that nothing travels between the two in that direction. Entries at this
   * rank's own place are ignored. The segments of {@code send} may be written again as soon as this
   * returns.
   *
   * @param send one native segment for each rank
   * @param receive one native segment for each rank
   */
  void swap(
      int layer,
      ExchangePoint point,
      @Nullable MemorySegment[] send,
      @Nullable MemorySegment[] receive);

  /**
   * Says what a rank can do while the following swaps wait for its peers. An exchange may leave it
   * undone.
   *
   * @param work does a little, some microseconds of it, and says whether it did anything
   */
  default void meanwhile(BooleanSupplier work) {}

  /**
   * Does what is due besides swaps, without waiting: called now and then in a step that may go long
   * without a swap, so that whoever watches this rank does not take it for dead.
   */
  default void poll() {}

  /** Bytes sent to other ranks since the step began. */
  long sentBytes();

  /** Nanoseconds spent in {@link #swap} since the step began. */
  long waitedNanos();

  /** Ends the exchange; waiting calls throw. Idempotent. */
  @Override
  void close();
}
