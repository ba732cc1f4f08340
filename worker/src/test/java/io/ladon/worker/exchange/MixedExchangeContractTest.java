package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangeContract;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.net.Transport;
import java.time.Duration;

/** Some pairs share memory, others do not, as where an epoch spans two machines. */
class MixedExchangeContractTest extends ExchangeContract {

  @Override
  protected ExchangeGroup open(int ranks, long epoch, Duration timeout) throws Exception {
    return LoopGroup.open(
        LoopGroup.Setup.of(Transport.best(), ExchangeMode.AUTO)
            .modes(ExchangeMode.AUTO, ExchangeMode.AUTO, ExchangeMode.GRPC),
        ranks,
        epoch,
        timeout);
  }
}
