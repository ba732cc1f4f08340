package io.ladon.cli.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;

/**
 * Requests over HTTP, each of which waits on the thread that makes it. With HttpURLConnection,
 * since the newer HttpClient loads all that TLS needs, certificates included, before a request that
 * does without: 0.2 s of a command's start.
 *
 * @param connect longest wait for a connection
 * @param silence longest wait for the next byte of an answer
 */
public record BlockingHttp(Duration connect, Duration silence) {

  /**
   * An answer.
   *
   * @param body to be closed by who reads it
   */
  public record Answer(int status, InputStream body) {}

  public Answer get(URI uri) throws IOException {
    return answer(open(uri));
  }

  /** The same for a request that carries JSON. */
  public Answer post(URI uri, byte[] json) throws IOException {
    HttpURLConnection connection = open(uri);
    connection.setDoOutput(true);
    connection.setRequestProperty("Content-Type", "application/json");
    // Also keeps the JDK from sending it again where a connection broke: an answer costs a lot.
    connection.setFixedLengthStreamingMode(json.length);
    try (OutputStream out = connection.getOutputStream()) {
      out.write(json);
    }
    return answer(connection);
  }

  private HttpURLConnection open(URI uri) throws IOException {
    if (!(uri.toURL().openConnection() instanceof HttpURLConnection connection)) {
      throw new IOException(uri + " is no address of HTTP");
    }
    connection.setConnectTimeout(Math.toIntExact(connect.toMillis()));
    connection.setReadTimeout(Math.toIntExact(silence.toMillis()));
    connection.setInstanceFollowRedirects(false);
    return connection;
  }

  private static Answer answer(HttpURLConnection connection) throws IOException {
    int status = connection.getResponseCode();
    InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream();
    return new Answer(status, body == null ? InputStream.nullInputStream() : body);
  }
}
