package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.exchange.Exchange;
import java.io.IOException;
import java.util.List;

/** Makes shards; called by the loader thread. */
public interface ShardFactory {

  /** Which kernels its shards compute with. */
  String kernels();

  /** The slices of the checkpoint that a rank needs. */
  List<TensorSlice> inventory(ShardSpec spec) throws IOException;

  /** Bytes that a shard will take, about. */
  Needs needs(ShardSpec spec) throws IOException;

  /**
   * Packs a rank's weights and makes it ready to run. Neither source nor exchange are the shard's
   * to close; the source is not read after this.
   *
   * @throws IOException if a slice cannot be had; the message names the tensor
   */
  Shard create(ShardSpec spec, SliceSource source, Exchange exchange) throws IOException;

  /**
   * Bytes of a shard.
   *
   * @param weights packed weights
   * @param cache KV cache
   * @param buffers everything that a step needs beside
   */
  record Needs(long weights, long cache, long buffers) {}
}
