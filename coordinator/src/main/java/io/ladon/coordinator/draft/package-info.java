/**
 * Speculative decoding without a second model: what may follow is looked up in the text so far, and
 * the ranks check several tokens in one step. A token's logits have the same bits in any step, so
 * what is drafted changes when a token is there, never which.
 */
@NullMarked
package io.ladon.coordinator.draft;

import org.jspecify.annotations.NullMarked;
