package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangeContract;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.net.Transport;
import java.time.Duration;

/** The exchange over gRPC, where no native transport loads. */
class NioExchangeContractTest extends ExchangeContract {

  @Override
  protected ExchangeGroup open(int ranks, long epoch, Duration timeout) throws Exception {
    return LoopGroup.open(
        LoopGroup.Setup.of(Transport.NIO, ExchangeMode.GRPC), ranks, epoch, timeout);
  }
}
