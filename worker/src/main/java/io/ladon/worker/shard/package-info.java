/**
 * A rank's shard: where its slices of the checkpoint come from (a local copy, the disk cache, the
 * coordinator), whether it fits, and what runs steps with it.
 */
@NullMarked
package io.ladon.worker.shard;

import org.jspecify.annotations.NullMarked;
