package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangeContract;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.net.Transport;
import java.time.Duration;

/** The exchange through shared memory, between ranks that poll for a while before they block. */
class SharedMemoryContractTest extends ExchangeContract {

  @Override
  protected ExchangeGroup open(int ranks, long epoch, Duration timeout) throws Exception {
    return LoopGroup.open(
        LoopGroup.Setup.of(Transport.best(), ExchangeMode.SHARED_MEMORY), ranks, epoch, timeout);
  }
}
