/** KV blocks and attention over them, tile by tile with a running softmax. */
@NullMarked
package io.ladon.engine.attention;

import org.jspecify.annotations.NullMarked;
