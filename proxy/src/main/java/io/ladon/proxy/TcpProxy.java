package io.ladon.proxy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/**
 * Passes TCP connections on, late or slowly, as a network would: a chunk first takes its turn on
 * the sender's {@link Card}, then the delay, then its turn on the receiver's, while others follow
 * it on the way.
 *
 * <p>One thread moves everything, and is awake in the last millisecond before something is due; it
 * offers its core to others then. So chunks are handed on some microseconds after they are due,
 * unless the machine is busy, or more is to be moved than one core can (about 1 GB/s).
 *
 * <p>Containers of Ladon's image run it too, as a process of its own.
 */
public final class TcpProxy implements AutoCloseable {

  /** A selector counts in milliseconds; what is due sooner than this is waited for awake. */
  private static final long AWAKE_NANOS = 2_000_000;

  private static final long MILLI = 1_000_000;
  private static final int BACKLOG = 128;
  private static final long NEVER = Long.MAX_VALUE;

  private final Link link;
  private final Selector selector;
  private final Queue<Runnable> calls = new ConcurrentLinkedQueue<>(); // to the thread
  private final List<Pipe> pipes = new ArrayList<>(); // of the thread
  private final ArrayDeque<ByteBuffer> spare = new ArrayDeque<>(); // of the thread
  private final Thread thread = Thread.ofPlatform().name("tcp-proxy").daemon().unstarted(this::run);
  private volatile boolean closing;

  /**
   * What a network does, in units that command lines have.
   *
   * @param delayNanos of every byte, one way
   * @param jitterNanos added to the delay, evenly between 0 and this
   * @param bytesPerSecond in each direction of a node's card; 0 for no limit
   */
  public record Link(long delayNanos, long jitterNanos, long bytesPerSecond) {

    public Link {
      if (delayNanos < 0 || jitterNanos < 0 || bytesPerSecond < 0) {
        throw new IllegalArgumentException(
            "delay, jitter and rate must not be negative: %d, %d, %d"
                .formatted(delayNanos, jitterNanos, bytesPerSecond));
      }
    }
  }

  /** A proxy without routes. */
  public TcpProxy(Link link) throws IOException {
    this.link = link;
    this.selector = Selector.open();
  }

  /**
   * @param args delay and jitter in nanoseconds, bytes a second, then any number of {@code
   *     listen:host:port}
   */
  public static void main(String[] args) throws Exception {
    Link link = new Link(Long.parseLong(args[0]), Long.parseLong(args[1]), Long.parseLong(args[2]));
    TcpProxy proxy = new TcpProxy(link);
    for (String route : Arrays.asList(args).subList(3, args.length)) {
      String[] parts = route.split(":", -1);
      proxy.route(Integer.parseInt(parts[0]), parts[1], Integer.parseInt(parts[2]));
    }
    proxy.start();
    Thread.currentThread().join(); // until the container ends
  }

  /**
   * A route to a node of its own: its card is shared by all that connect here, and theirs have no
   * limit.
   *
   * @param listen port to listen on, on all addresses; 0 for a free one
   * @param host where connections are passed on to, looked up for each
   * @param port there
   * @return the port that is listened on
   */
  public int route(int listen, String host, int port) throws IOException {
    Card card = new Card(link.bytesPerSecond());
    return route(new InetSocketAddress(listen), host, port, card, client -> Card.UNLIMITED);
  }

  /**
   * A route in a network where nodes use their cards on several.
   *
   * @param listen address and port to listen on; port 0 for a free one
   * @param host where connections are passed on to, looked up for each
   * @param port there; 0 for the one that is listened on
   * @param target the card of the node at {@code host}
   * @param clients the card of the node that connects from an address
   * @return the port that is listened on
   */
  public int route(
      InetSocketAddress listen,
      String host,
      int port,
      Card target,
      Function<InetAddress, Card> clients)
      throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    try {
      server.bind(listen, BACKLOG);
      server.configureBlocking(false);
      int listened = server.socket().getLocalPort();
      Route route = new Route(server, host, port == 0 ? listened : port, target, clients);
      server.register(selector, SelectionKey.OP_ACCEPT, route);
      selector.wakeup(); // it may have begun to select without this one
      return listened;
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /**
   * Where connections come in, and go on to.
   *
   * @param clients by the address that a connection comes from
   */
  private record Route(
      ServerSocketChannel server,
      String host,
      int port,
      Card target,
      Function<InetAddress, Card> clients) {}

  /** Lets connections in. */
  public void start() {
    thread.start();
  }

  /** Ends all connections. Idempotent; waits for them to be closed. */
  @Override
  public void close() throws IOException {
    closing = true;
    selector.wakeup();
    if (thread.getState() == Thread.State.NEW) {
      closeAll();
      return;
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!closing) {
        await();
        for (Runnable call = calls.poll(); call != null; call = calls.poll()) {
          call.run();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.attachment() instanceof Route route) {
            accept(route);
          } else if (key.attachment() instanceof Pipe.End end) {
            end.ready(key);
          }
        }
        selector.selectedKeys().clear();
        long now = System.nanoTime();
        for (Pipe pipe : pipes) {
          pipe.move(now);
        }
        pipes.removeIf(pipe -> pipe.isOver());
      }
    } catch (IOException e) {
      System.err.println("proxy: " + e);
    } finally {
      closeAll();
    }
  }

  /** Waits for bytes, a connection, or the time when something is due. */
  @SuppressWarnings("ThreadPriorityCheck") // who waits for this proxy may need the core
  private void await() throws IOException {
    long due = NEVER;
    long now = System.nanoTime();
    for (Pipe pipe : pipes) {
      due = Math.min(due, pipe.nanosLeft(now));
    }
    if (due == NEVER) {
      selector.select();
    } else if (due > AWAKE_NANOS) {
      selector.select(due / MILLI - 1);
    } else if (selector.selectNow() == 0 && due > 0) {
      Thread.yield();
    }
  }

  private void accept(Route route) {
    try {
      SocketChannel client = route.server().accept();
      if (client != null) {
        Thread.ofPlatform().daemon().start(() -> connect(client, route));
      }
    } catch (IOException e) {
      System.err.printf("accept for %s:%d: %s%n", route.host(), route.port(), e);
    }
  }

  /** In a thread of its own, for it waits. */
  private void connect(SocketChannel client, Route route) {
    SocketChannel target = null;
    try {
      InetSocketAddress address = (InetSocketAddress) client.getRemoteAddress();
      Card card = route.clients().apply(address.getAddress());
      target = SocketChannel.open();
      target.connect(new InetSocketAddress(route.host(), route.port()));
      for (SocketChannel channel : List.of(client, target)) {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
      }
      SocketChannel connected = target;
      calls.add(() -> join(client, connected, card, route.target()));
      selector.wakeup();
    } catch (IOException | RuntimeException e) {
      System.err.printf("%s:%d: %s%n", route.host(), route.port(), e);
      close(client);
      if (target != null) {
        close(target);
      }
    }
  }

  private void join(SocketChannel client, SocketChannel target, Card clientCard, Card targetCard) {
    try {
      SelectionKey clientKey = client.register(selector, 0);
      SelectionKey targetKey = target.register(selector, 0);
      Pipe there = new Pipe(link, spare, clientKey, targetKey, clientCard.out, targetCard.in);
      Pipe back = new Pipe(link, spare, targetKey, clientKey, targetCard.out, clientCard.in);
      clientKey.attach(new Pipe.End(there, back));
      targetKey.attach(new Pipe.End(back, there));
      pipes.add(there);
      pipes.add(back);
      there.listen();
      back.listen();
    } catch (IOException e) {
      System.err.println("proxy: " + e);
      close(client);
      close(target);
    }
  }

  private void closeAll() {
    for (SelectionKey key : selector.keys()) {
      close(key.channel());
    }
    try {
      selector.close();
    } catch (IOException e) {
      System.err.println("proxy: " + e);
    }
  }

  static void close(AutoCloseable channel) {
    try {
      channel.close();
    } catch (Exception e) {
      System.err.println("closing " + channel + ": " + e);
    }
  }
}
