package io.ladon.cli.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * The child's side of {@link LocalCluster}: standard input carries the address to join, and its end
 * tells that the parent is gone, however it went; standard output carries lines that the parent
 * waits for.
 */
public final class Supervision {

  /** First word of the coordinator's line once workers may join: {@code JOIN <host:port>}. */
  static final String JOIN = "JOIN";

  /** First word of its line once clients may ask: {@code API <base URL>}. */
  static final String API = "API";

  /** The coordinator's line once the cluster serves. */
  static final String READY = "READY";

  /** A worker's exit code when its coordinator refuses it: another one would be refused too. */
  public static final int REFUSED = 78; // EX_CONFIG of sysexits.h

  private final BufferedReader input;

  public Supervision() {
    this.input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  }

  /**
   * The address that the parent wants joined.
   *
   * @throws IOException if the parent went before it said one
   */
  public String joinAddress() throws IOException {
    String line = input.readLine();
    if (line == null) {
      throw new IOException("the parent process ended before it named a coordinator");
    }
    return line;
  }

  /**
   * Ends this process in the ordinary way, shutdown hooks included, as soon as the parent is gone.
   */
  public void exitWithParent() {
    Thread.ofPlatform()
        .daemon()
        .name("parent-watch")
        .start(
            () -> {
              try {
                while (input.readLine() != null) {
                  // Nothing else is said on this channel.
                }
              } catch (IOException e) {
                // As good as the end of the stream.
              }
              System.exit(0);
            });
  }

  /** Tells the parent where workers join. */
  public static void sayJoin(String address) {
    System.out.println(JOIN + " " + address);
  }

  /** Tells the parent where clients ask. */
  public static void sayApi(String url) {
    System.out.println(API + " " + url);
  }

  /** Tells the parent that the cluster serves. */
  public static void sayReady() {
    System.out.println(READY);
  }
}
