/** Text to token ids before a sequence exists, and token ids back to text as they are sampled. */
@NullMarked
package io.ladon.coordinator.tokenizer;

import org.jspecify.annotations.NullMarked;
