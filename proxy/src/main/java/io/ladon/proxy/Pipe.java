package io.ladon.proxy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.concurrent.ThreadLocalRandom;

/** One direction of one connection. Of the proxy's thread. */
final class Pipe {

  /** What may be on its way in one direction of a connection, before its sender has to wait. */
  private static final int UNDERWAY_BYTES = 8 << 20;

  private static final long NEVER = Long.MAX_VALUE;

  private final TcpProxy.Link link;
  private final ArrayDeque<ByteBuffer> spare; // shared by all pipes
  private final SelectionKey from;
  private final SelectionKey to;
  private final Card.Rate out;
  private final Card.Rate in;
  private final int chunkBytes;
  private final ArrayDeque<Chunk> underway = new ArrayDeque<>();
  private long gone; // when the latest chunk has left its sender's card
  private long latest = System.nanoTime(); // when it is due
  private boolean reading = true; // the sender's bytes, as they come
  private boolean full; // the latest chunk was as large as chunks get
  private boolean stuck; // the receiver takes no more
  private boolean ended; // the sender has said all
  private boolean over;

  Pipe(
      TcpProxy.Link link,
      ArrayDeque<ByteBuffer> spare,
      SelectionKey from,
      SelectionKey to,
      Card.Rate out,
      Card.Rate in) {
    this.link = link;
    this.spare = spare;
    this.from = from;
    this.to = to;
    this.out = out;
    this.in = in;
    this.chunkBytes = Math.min(out.chunkBytes(), in.chunkBytes());
  }

  /** Whether nothing more will pass. */
  boolean isOver() {
    return over;
  }

  void listen() {
    from.interestOpsOr(SelectionKey.OP_READ);
  }

  /** How long this pipe can be left alone unless bytes come. */
  long nanosLeft(long now) {
    long left = NEVER;
    if (!stuck && !underway.isEmpty()) {
      left = Math.max(0, underway.peek().due - now);
    }
    if (!reading && !ended && hasRoom()) {
      left = Math.min(left, Math.max(0, gone - now));
    }
    return left;
  }

  private boolean hasRoom() {
    return underway.size() * (long) chunkBytes < UNDERWAY_BYTES;
  }

  /** Does what is due. */
  void move(long now) {
    if (over) {
      return;
    }
    try {
      write(now);
    } catch (IOException e) {
      breakOff();
    }
    if (!over && !reading && !ended && hasRoom() && gone - now <= 0) {
      reading = true;
      read(now, true);
      if (reading && !over) {
        listen();
      }
    }
  }

  /**
   * Reads a chunk; the next when this one has left the card, so that others take their turns.
   *
   * @param resumed whether the bytes may have waited for the card
   */
  void read(long now, boolean resumed) {
    if (over || !reading) {
      return;
    }
    ByteBuffer bytes = spare.isEmpty() ? ByteBuffer.allocateDirect(Card.MOST_CHUNK) : spare.pop();
    bytes.clear().limit(chunkBytes);
    try {
      int count = ((SocketChannel) from.channel()).read(bytes);
      if (count == 0) {
        spare.push(bytes);
        full = false;
        return;
      }
      // The rest of a large part was there already: it follows without a gap.
      gone = out.pass(resumed && full ? gone : now, Math.max(0, count));
      full = count == chunkBytes;
      // Bytes stay in order: a chunk never overtakes the one before.
      latest = Math.max(latest, gone + link.delayNanos() + jitter());
      underway.add(new Chunk(bytes.flip(), latest, count < 0));
      ended = count < 0;
      if (ended || gone - now > 0 || !hasRoom()) {
        reading = false;
        from.interestOpsAnd(~SelectionKey.OP_READ);
      }
    } catch (IOException e) {
      breakOff();
    }
  }

  private long jitter() {
    return link.jitterNanos() == 0
        ? 0
        : ThreadLocalRandom.current().nextLong(link.jitterNanos() + 1);
  }

  void writable() {
    stuck = false;
    to.interestOpsAnd(~SelectionKey.OP_WRITE);
  }

  private void write(long now) throws IOException {
    SocketChannel channel = (SocketChannel) to.channel();
    for (Chunk chunk = underway.peek();
        chunk != null && !stuck && chunk.due - now <= 0;
        chunk = underway.peek()) {
      if (chunk.isEnd) {
        underway.remove();
        channel.shutdownOutput();
        over = true;
        if (((End) to.attachment()).from().over) {
          TcpProxy.close(from.channel());
          TcpProxy.close(channel);
        }
        return;
      }
      int count = chunk.bytes.remaining();
      if (!chunk.isIn) {
        // It has come in while it went out, unless something else came in at that time.
        chunk.isIn = true;
        chunk.due = in.pass(chunk.due - in.nanos(count), count);
      } else if (channel.write(chunk.bytes) < count) {
        stuck = true;
        to.interestOpsOr(SelectionKey.OP_WRITE);
      } else {
        underway.remove();
        spare.push(chunk.bytes);
      }
    }
  }

  /** The end of both directions. */
  private void breakOff() {
    over = true;
    Pipe other = ((End) to.attachment()).from();
    other.over = true;
    TcpProxy.close(from.channel());
    TcpProxy.close(to.channel());
  }

  /** One side's socket: the pipe that it fills, and the one that it is filled from. */
  record End(Pipe from, Pipe to) {
    void ready(SelectionKey key) {
      if (key.isValid() && key.isReadable()) {
        from.read(System.nanoTime(), false);
      }
      if (key.isValid() && key.isWritable()) {
        to.writable();
      }
    }
  }

  /** Bytes, and when they are there. */
  private static final class Chunk {
    private final ByteBuffer bytes;
    private final boolean isEnd; // of the stream
    private long due;
    private boolean isIn; // has taken its turn on the receiver's card

    Chunk(ByteBuffer bytes, long due, boolean isEnd) {
      this.bytes = bytes;
      this.due = due;
      this.isEnd = isEnd;
    }
  }
}
