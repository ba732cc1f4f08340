/** Chooses the next token from what the ranks know of the logits. */
@NullMarked
package io.ladon.coordinator.sample;

import org.jspecify.annotations.NullMarked;
