package io.ladon.cli.process;

import io.ladon.proxy.Card;
import io.ladon.proxy.TcpProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A network between the processes of a cluster on this machine, as if each had a machine and a
 * network card of its own. Worker i is bound to 127.0.1.(i+1), which says whose a connection is,
 * and is called at 127.0.2.(i+1), where the proxy listens. Linux answers to all of these unasked.
 */
final class SlowNetwork implements AutoCloseable {

  private static final int MOST_WORKERS = 254;

  private final TcpProxy proxy;
  private final List<Integer> ports = new ArrayList<>(); // by worker
  private final List<Card> cards = new ArrayList<>();
  private final Card coordinator;

  /**
   * @throws IOException if this machine does not have the addresses
   */
  SlowNetwork(TcpProxy.Link link, int workers) throws IOException {
    if (workers > MOST_WORKERS) {
      throw new IllegalArgumentException(
          "%d workers in a network: at most %d".formatted(workers, MOST_WORKERS));
    }
    this.proxy = new TcpProxy(link);
    this.coordinator = new Card(link.bytesPerSecond());
    Map<String, Card> byAddress = new HashMap<>();
    try {
      for (int i = 0; i < workers; i++) {
        Card card = new Card(link.bytesPerSecond());
        cards.add(card);
        byAddress.put(bound(i), card);
        ports.add(
            proxy.route(listen(called(i)), bound(i), 0, card, client -> cardOf(byAddress, client)));
      }
      proxy.start();
    } catch (IOException e) {
      proxy.close();
      throw new IOException(
          "a network on this machine needs its addresses 127.0.1.1 to 127.0.2.%d: %s"
              .formatted(workers, e.getMessage()),
          e);
    }
  }

  private static Card cardOf(Map<String, Card> byAddress, InetAddress client) {
    Card card = byAddress.get(client.getHostAddress());
    if (card == null) {
      throw new IllegalArgumentException("no worker is at " + client.getHostAddress());
    }
    return card;
  }

  private static String bound(int worker) {
    return "127.0.1." + (worker + 1);
  }

  private static String called(int worker) {
    return "127.0.2." + (worker + 1);
  }

  private static InetSocketAddress listen(String host) throws IOException {
    return new InetSocketAddress(InetAddress.getAllByName(host)[0], 0);
  }

  /** Options of a worker. */
  List<String> options(int worker) {
    return List.of(
        "--bind", bound(worker) + ":" + ports.get(worker), "--advertise", called(worker));
  }

  /** Where a worker joins a coordinator that listens somewhere. */
  String routeToCoordinator(String address, int worker) throws IOException {
    int colon = address.lastIndexOf(':');
    Card card = cards.get(worker);
    int port =
        proxy.route(
            listen(called(worker)),
            address.substring(0, colon),
            Integer.parseInt(address.substring(colon + 1)),
            coordinator,
            client -> card);
    return called(worker) + ":" + port;
  }

  @Override
  public void close() {
    try {
      proxy.close();
    } catch (IOException e) {
      System.err.println("ladon: " + e.getMessage());
    }
  }
}
