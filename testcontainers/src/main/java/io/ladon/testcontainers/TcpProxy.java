package io.ladon.testcontainers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Passes TCP connections on, late or slowly. Runs in a container of Ladon's image, so it is made of
 * the JDK alone, and of this class and those nested in it.
 */
final class TcpProxy implements AutoCloseable {

  private static final int CHUNK_BYTES = 16 << 10;
  private static final int QUEUED_CHUNKS = 64;
  private static final int CONNECT_MILLIS = 5000;
  private static final byte[] END = new byte[0];

  private final String host;
  private final int port;
  private final Link link;
  private final ServerSocket server;
  private final Rate toTarget;
  private final Rate fromTarget;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  /** What a link does, in units that command lines have. */
  record Link(long delayNanos, long jitterNanos, long bytesPerSecond) {}

  /**
   * @param listen port to listen on, on all addresses; 0 for a free one
   * @param host where connections are passed on to, looked up for each
   */
  TcpProxy(int listen, String host, int port, Link link) throws IOException {
    this.host = host;
    this.port = port;
    this.link = link;
    this.toTarget = new Rate(link.bytesPerSecond());
    this.fromTarget = new Rate(link.bytesPerSecond());
    this.server = new ServerSocket(listen, 128);
  }

  /**
   * @param args delay and jitter in nanoseconds, bytes a second, then any number of {@code
   *     listen:host:port}
   */
  public static void main(String[] args) throws Exception {
    Link link = new Link(Long.parseLong(args[0]), Long.parseLong(args[1]), Long.parseLong(args[2]));
    for (String route : Arrays.asList(args).subList(3, args.length)) {
      String[] parts = route.split(":", -1);
      new TcpProxy(Integer.parseInt(parts[0]), parts[1], Integer.parseInt(parts[2]), link).start();
    }
    Thread.currentThread().join(); // until the container ends
  }

  int port() {
    return server.getLocalPort();
  }

  void start() {
    Thread.ofPlatform().name("accept-" + port()).daemon().start(this::accept);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        sockets.add(client);
        Thread.ofPlatform().daemon().start(() -> connect(client));
      } catch (IOException e) {
        if (!server.isClosed()) {
          System.err.println("accept at " + port() + ": " + e);
        }
      }
    }
  }

  private void connect(Socket client) {
    Socket target = new Socket();
    sockets.add(target);
    try {
      target.connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
      client.setTcpNoDelay(true);
      target.setTcpNoDelay(true);
    } catch (IOException e) {
      System.err.printf("%s:%d: %s%n", host, port, e);
      end(client, target);
      return;
    }
    AtomicInteger open = new AtomicInteger(2);
    pump(client, target, toTarget, open);
    pump(target, client, fromTarget, open);
  }

  private void pump(Socket from, Socket to, Rate rate, AtomicInteger open) {
    BlockingQueue<Chunk> queue = new ArrayBlockingQueue<>(QUEUED_CHUNKS);
    Thread reader = Thread.ofPlatform().daemon().start(() -> read(from, to, queue));
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              write(from, to, rate, queue);
              reader.interrupt(); // it may wait for room in the queue
              if (open.decrementAndGet() == 0) {
                end(from, to);
              }
            });
  }

  private void read(Socket from, Socket to, BlockingQueue<Chunk> queue) {
    long latest = System.nanoTime();
    byte[] buffer = new byte[CHUNK_BYTES];
    try {
      InputStream in = from.getInputStream();
      while (true) {
        int count = in.read(buffer);
        long jitter =
            link.jitterNanos() == 0
                ? 0
                : ThreadLocalRandom.current().nextLong(link.jitterNanos() + 1);
        // Bytes stay in order: a chunk never overtakes the one before.
        latest = Math.max(latest, System.nanoTime() + link.delayNanos() + jitter);
        queue.put(new Chunk(count < 0 ? END : Arrays.copyOf(buffer, count), latest));
        if (count < 0) {
          return;
        }
      }
    } catch (IOException e) {
      end(from, to);
      queue.clear();
      queue.add(new Chunk(END, latest)); // the writer may wait for a chunk
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(Socket from, Socket to, Rate rate, BlockingQueue<Chunk> queue) {
    try {
      OutputStream out = to.getOutputStream();
      while (true) {
        Chunk chunk = queue.take();
        sleepUntil(chunk.due());
        if (chunk.bytes().length == 0) {
          to.shutdownOutput();
          return;
        }
        sleepUntil(rate.reserve(chunk.bytes().length));
        out.write(chunk.bytes());
      }
    } catch (IOException e) {
      end(from, to);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void sleepUntil(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private void end(Socket... both) {
    for (Socket socket : both) {
      sockets.remove(socket);
      try {
        socket.close();
      } catch (IOException e) {
        System.err.println("closing " + socket + ": " + e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    end(sockets.toArray(Socket[]::new));
  }

  /** Bytes that are due. Empty for the end of the stream. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Chunk(byte[] bytes, long due) {}

  /** What one direction of one link lets through, all connections together. */
  private static final class Rate {
    private final long bytesPerSecond;
    private final ReentrantLock lock = new ReentrantLock();
    private long free = System.nanoTime();

    Rate(long bytesPerSecond) {
      this.bytesPerSecond = bytesPerSecond;
    }

    /** When so many bytes will be through. */
    long reserve(int bytes) {
      if (bytesPerSecond == 0) {
        return Long.MIN_VALUE / 2 + System.nanoTime();
      }
      lock.lock();
      try {
        free = Math.max(free, System.nanoTime()) + bytes * 1_000_000_000L / bytesPerSecond;
        return free;
      } finally {
        lock.unlock();
      }
    }
  }
}
