package io.ladon.engine.exchange;

import java.time.Duration;

/** The exchange between threads of one process. */
class InProcessExchangeContractTest extends ExchangeContract {

  @Override
  protected ExchangeGroup open(int ranks, long epoch, Duration timeout) {
    return ExchangeGroup.ofThreads(InProcessExchange.group(ranks, epoch, timeout));
  }
}
