package io.ladon.cli.catalogue;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Closes a stream that has not been fed for too long, so that a read of it ends. */
final class Watchdog implements AutoCloseable {

  private final Thread thread;
  private volatile long fed = System.nanoTime();
  private volatile boolean done;

  Watchdog(Closeable stream, Duration patience) {
    thread =
        Thread.ofVirtual()
            .name("download-watchdog")
            .start(
                () -> {
                  while (!done) {
                    long left = patience.toNanos() - (System.nanoTime() - fed);
                    if (left <= 0) {
                      closeQuietly(stream);
                      return;
                    }
                    LockSupport.parkNanos(left);
                  }
                });
  }

  /** Something came. */
  void feed() {
    fed = System.nanoTime();
  }

  @Override
  public void close() {
    done = true;
    LockSupport.unpark(thread);
  }

  private static void closeQuietly(Closeable stream) {
    try {
      stream.close();
    } catch (IOException e) {
      // The reader gets its own exception.
    }
  }
}
