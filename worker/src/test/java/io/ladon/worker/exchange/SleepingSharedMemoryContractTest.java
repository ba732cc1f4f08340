package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangeContract;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.net.Transport;
import io.ladon.worker.loop.Waiting;
import java.time.Duration;

/** The exchange through shared memory, between ranks that block at once and are rung awake. */
class SleepingSharedMemoryContractTest extends ExchangeContract {

  @Override
  protected ExchangeGroup open(int ranks, long epoch, Duration timeout) throws Exception {
    return LoopGroup.open(
        LoopGroup.Setup.of(Transport.NIO, ExchangeMode.SHARED_MEMORY).waiting(new Waiting(0, true)),
        ranks,
        epoch,
        timeout);
  }
}
