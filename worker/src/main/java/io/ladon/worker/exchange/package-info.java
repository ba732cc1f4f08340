/** Rank to rank over gRPC: the streams, their frames, and the exchange on top of them. */
@NullMarked
package io.ladon.worker.exchange;

import org.jspecify.annotations.NullMarked;
