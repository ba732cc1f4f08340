package io.ladon.worker.exchange;

/** The stream to one peer, whichever side dialled it. Of the rank's loop. */
interface PeerLink {

  /** Whether everything sent so far has gone to the operating system. */
  boolean flushed();

  /** Copies a frame into gRPC's buffers; the loop has to be driven for it to leave. */
  void send(Frame frame);

  /** Allows the peer's side of the stream to deliver so many more frames. */
  void request(int frames);

  /** Ends the stream. */
  void abort(String reason);
}
