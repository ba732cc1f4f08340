package io.ladon.worker;

import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.rank.PackedShelf;
import io.ladon.engine.rank.Step;
import io.ladon.engine.rank.StepResult;
import io.ladon.worker.shard.Shard;
import io.ladon.worker.shard.ShardFactory;
import io.ladon.worker.shard.ShardSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Shards without any maths: loading reads every slice that is not on the shelf, a step is one swap
 * of 100 bytes in layer 3.
 */
final class FakeShards implements ShardFactory {

  static final int LAYER = 3;
  static final int PART_BYTES = 100;

  /** Tokens of a step that goes on, without swaps, until it is stopped. */
  static final int POLL_UNTIL_STOPPED = 7;

  final AtomicBoolean stop = new AtomicBoolean();

  /** Tensors that the latest load had to pack. */
  final AtomicInteger packed = new AtomicInteger();

  /** Shards that are not closed. */
  final AtomicInteger open = new AtomicInteger();

  @Override
  public String kernels() {
    return "fake";
  }

  @Override
  public MachineSpeed speed() {
    return new MachineSpeed(1e9, 1e10);
  }

  @Override
  public List<TensorSlice> inventory(ShardSpec spec) throws IOException {
    return ShardInventory.of(spec.plan(), spec.header(), spec.rank()).slices();
  }

  @Override
  public Needs needs(ShardSpec spec) {
    return new Needs(3 << 20, 2 << 20, 1 << 20);
  }

  @Override
  public Shard create(ShardSpec spec, SliceSource source, PackedShelf shelf, Exchange exchange)
      throws IOException {
    long bytes = 0;
    packed.set(0);
    for (TensorSlice slice : inventory(spec)) {
      long size =
          spec.header().tensor(slice.tensor()).type().bytesFor(slice.columns()) * slice.rows();
      MemorySegment weights = Arena.ofAuto().allocate(size);
      if (!shelf.take(slice.tensor(), weights)) {
        weights.copyFrom(source.slice(slice));
        shelf.put(slice.tensor(), weights);
        packed.incrementAndGet();
      }
      bytes += size;
    }
    open.incrementAndGet();
    return new FakeShard(exchange, bytes, open, stop);
  }

  private record FakeShard(
      Exchange exchange, long weightBytes, AtomicInteger open, AtomicBoolean stop)
      implements Shard {

    @Override
    public StepResult run(Step step) {
      if (step.tokens() > 10) {
        throw new IllegalArgumentException("tokens: " + step.tokens() + " are too many");
      }
      exchange.beginStep(step.number());
      while (step.tokens() == POLL_UNTIL_STOPPED && !stop.get()) {
        exchange.poll();
      }
      MemorySegment[] send = new MemorySegment[exchange.ranks()];
      MemorySegment[] receive = new MemorySegment[exchange.ranks()];
      for (int r = 0; r < send.length; r++) {
        send[r] = Arena.ofAuto().allocate(PART_BYTES);
        receive[r] = Arena.ofAuto().allocate(PART_BYTES);
      }
      exchange.swap(LAYER, ExchangePoint.DOWN, send, receive);
      return new StepResult(
          step.epoch(), step.number(), List.of(), 1, exchange.waitedNanos(), exchange.sentBytes());
    }

    @Override
    public boolean readAhead() {
      return false;
    }

    @Override
    public MemorySegment logits(int run, int token) {
      return MemorySegment.ofArray(new byte[] {(byte) run, (byte) token, 3, 4});
    }

    @Override
    public long cacheBytes() {
      return 5;
    }

    @Override
    public void close() {
      open.decrementAndGet();
    }
  }
}
