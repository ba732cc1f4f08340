/** The layer loop of one rank: a step goes in, its share of the logits comes out. */
@NullMarked
package io.ladon.engine.rank;

import org.jspecify.annotations.NullMarked;
