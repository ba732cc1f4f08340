/** One rank as a process: joins, loads its shard, runs steps, exchanges with its peers. */
@NullMarked
package io.ladon.worker;

import org.jspecify.annotations.NullMarked;
