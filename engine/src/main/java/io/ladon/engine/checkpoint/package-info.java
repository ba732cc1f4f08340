/** Reads checkpoints: GGUF headers, tensor types, and the byte ranges of tensor slices. */
@NullMarked
package io.ladon.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
