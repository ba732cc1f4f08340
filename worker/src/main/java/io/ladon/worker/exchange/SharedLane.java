package io.ladon.worker.exchange;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;

/**
 * One side's view of the memory that two ranks of a machine share. Each direction has {@link
 * #SLOTS} slots, filled and emptied in turn: a slot is full when its sequence number is the one
 * that its reader waits for, and free again when the reader's count says so. A large part goes
 * through in pieces, one side filling a slot while the other empties the one before.
 *
 * <p>A rank that has waited long enough says that it sleeps, looks once more, and blocks in its
 * event loop; whoever changes something for it then sees the word and rings over gRPC. Both sides
 * put a full fence between their write and their look, so that one of them sees the other's.
 *
 * <p>Layout, in bytes; everything that one side writes lies 128 from what the other does, since
 * caches fetch lines in pairs:
 *
 * <pre>
 *    0 magic, 8 token (16)                         written before the file is offered
 *  128 the lower rank sleeps     256 the higher rank sleeps
 *  384 slots the lower has read  512 slots the higher has read
 * 4096 slots of lower to higher, then of higher to lower; each:
 *      0 sequence, 8 step, 16 total, 24 offset, 32 layer, 36 point, 40 bytes, 64 payload
 * </pre>
 *
 * Of the rank's loop.
 */
final class SharedLane implements AutoCloseable {

  static final int SLOTS = 2;

  /** Payload of one slot: both sides' slots stay in a core's cache while a large part passes. */
  static final int SLOT_BYTES = 256 * 1024;

  static final int TOKEN_BYTES = 16;

  private static final int PAYLOAD = 64;
  private static final int STRIDE = PAYLOAD + SLOT_BYTES + 64; // slots do not start at one offset
  private static final int FIRST_SLOT = 4096;

  /** Size of the file. */
  static final int BYTES = FIRST_SLOT + 2 * SLOTS * STRIDE;

  private static final long MAGIC = 0x4c61_646f_6e53_4831L; // LadonSH1
  private static final long TOKEN = 8;
  private static final long SLEEPS = 128; // of the lower rank; the higher rank's is as far again
  private static final long READ = 384;
  private static final long APART = 128;

  private static final long SEQUENCE = 0;
  private static final long STEP = 8;
  private static final long TOTAL = 16;
  private static final long OFFSET = 24;
  private static final long LAYER = 32;
  private static final long POINT = 36;
  private static final long SIZE = 40;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment memory; // BYTES
  private final long ownSleep;
  private final long peerSleep;
  private final long ownRead;
  private final long peerRead;
  private final long firstOut;
  private final long firstIn;
  private long written; // slots filled for the peer
  private long emptied; // of them, as far as is known
  private long read; // slots taken from the peer

  /**
   * Maps the memory.
   *
   * @param file {@link #BYTES} long, zero but for its token
   * @param lower whether this side is the lower rank of the two
   */
  SharedLane(FileChannel file, boolean lower) throws IOException {
    this.memory = file.map(MapMode.READ_WRITE, 0, BYTES, arena);
    int own = lower ? 0 : 1;
    int peer = 1 - own;
    this.ownSleep = SLEEPS + own * APART;
    this.peerSleep = SLEEPS + peer * APART;
    this.ownRead = READ + own * APART;
    this.peerRead = READ + peer * APART;
    this.firstOut = FIRST_SLOT + (long) own * SLOTS * STRIDE;
    this.firstIn = FIRST_SLOT + (long) peer * SLOTS * STRIDE;
  }

  /** Signs new memory. */
  void sign(byte[] token) {
    memory.set(ValueLayout.JAVA_LONG, 0, MAGIC);
    MemorySegment.copy(token, 0, memory, ValueLayout.JAVA_BYTE, TOKEN, TOKEN_BYTES);
  }

  /** Whether the memory has been signed with a token. */
  boolean isSigned(byte[] token) {
    return token.length == TOKEN_BYTES
        && memory.get(ValueLayout.JAVA_LONG, 0) == MAGIC
        && memory.asSlice(TOKEN, TOKEN_BYTES).mismatch(MemorySegment.ofArray(token)) == -1;
  }

  // ---------------------------------------------------------------- to the peer

  /** Whether a slot is free to be filled. */
  boolean hasRoom() {
    if (written - emptied < SLOTS) {
      return true;
    }
    emptied = (long) LONG.getAcquire(memory, peerRead);
    return written - emptied < SLOTS;
  }

  /**
   * Fills a free slot.
   *
   * @param offset of the piece in the part
   * @return payload bytes taken, at most {@link #SLOT_BYTES}
   */
  int write(long step, int layer, int point, MemorySegment part, long offset) {
    long slot = firstOut + written % SLOTS * STRIDE;
    long total = part.byteSize();
    int bytes = (int) Math.min(SLOT_BYTES, total - offset);
    memory.set(ValueLayout.JAVA_LONG, slot + STEP, step);
    memory.set(ValueLayout.JAVA_LONG, slot + TOTAL, total);
    memory.set(ValueLayout.JAVA_LONG, slot + OFFSET, offset);
    memory.set(ValueLayout.JAVA_INT, slot + LAYER, layer);
    memory.set(ValueLayout.JAVA_INT, slot + POINT, point);
    memory.set(ValueLayout.JAVA_INT, slot + SIZE, bytes);
    MemorySegment.copy(part, offset, memory, slot + PAYLOAD, bytes);
    written++;
    LONG.setRelease(memory, slot + SEQUENCE, written);
    return bytes;
  }

  // ---------------------------------------------------------------- from the peer

  /** Whether a slot has come that was not taken yet; the following methods speak of it. */
  boolean hasNext() {
    return (long) LONG.getAcquire(memory, next() + SEQUENCE) == read + 1;
  }

  private long next() {
    return firstIn + read % SLOTS * STRIDE;
  }

  long step() {
    return memory.get(ValueLayout.JAVA_LONG, next() + STEP);
  }

  long total() {
    return memory.get(ValueLayout.JAVA_LONG, next() + TOTAL);
  }

  long offset() {
    return memory.get(ValueLayout.JAVA_LONG, next() + OFFSET);
  }

  int layer() {
    return memory.get(ValueLayout.JAVA_INT, next() + LAYER);
  }

  int point() {
    return memory.get(ValueLayout.JAVA_INT, next() + POINT);
  }

  int bytes() {
    return memory.get(ValueLayout.JAVA_INT, next() + SIZE);
  }

  /**
   * Empties the slot.
   *
   * @param bytes of its payload, not more than {@link #SLOT_BYTES}
   */
  void take(MemorySegment target, long at, int bytes) {
    MemorySegment.copy(memory, next() + PAYLOAD, target, at, bytes);
    read++;
    LONG.setRelease(memory, ownRead, read);
  }

  // ---------------------------------------------------------------- sleep

  /** From now on the peer rings. The caller looks once more before it blocks. */
  void fallAsleep() {
    INT.setOpaque(memory, ownSleep, 1);
    VarHandle.fullFence();
  }

  void awake() {
    INT.setOpaque(memory, ownSleep, 0);
  }

  /**
   * Asked after every change: whether the peer has to be rung. True once for each time that it
   * sleeps.
   */
  boolean peerSleeps() {
    VarHandle.fullFence();
    return (int) INT.getOpaque(memory, peerSleep) != 0
        && INT.compareAndSet(memory, peerSleep, 1, 0);
  }

  /** Unmaps the memory. */
  @Override
  public void close() {
    arena.close();
  }
}
