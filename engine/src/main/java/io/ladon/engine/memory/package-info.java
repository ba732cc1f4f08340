/** Memory off heap, addressed by number. */
@NullMarked
package io.ladon.engine.memory;

import org.jspecify.annotations.NullMarked;
