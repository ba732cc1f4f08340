package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.rank.PackedShelf;
import java.io.IOException;
import java.util.List;

/** Makes shards; called by the loader thread. */
public interface ShardFactory {

  /** Which kernels its shards compute with. */
  String kernels();

  /** How fast they are here; measured, which takes a moment. */
  MachineSpeed speed();

  /** The slices of the checkpoint that a rank needs. */
  List<TensorSlice> inventory(ShardSpec spec) throws IOException;

  /** Bytes that a shard will take, about. */
  Needs needs(ShardSpec spec) throws IOException;

  /**
   * Packs a rank's weights and makes it ready to run. None of the arguments is the shard's to
   * close; source and shelf are not used after this.
   *
   * @param source of the checkpoint's slices, for what the shelf does not have
   * @param shelf of packed weights
   * @throws IOException if a slice cannot be had; the message names the tensor
   */
  Shard create(ShardSpec spec, SliceSource source, PackedShelf shelf, Exchange exchange)
      throws IOException;

  /**
   * Bytes of a shard.
   *
   * @param weights packed weights
   * @param cache KV cache
   * @param buffers everything that a step needs beside
   */
  record Needs(long weights, long cache, long buffers) {}
}
