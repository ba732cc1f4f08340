/**
 * Rank to rank: the gRPC streams, their frames, the memory that ranks of one machine share, and the
 * exchange on top of them.
 */
@NullMarked
package io.ladon.worker.exchange;

import org.jspecify.annotations.NullMarked;
