/** Memory off heap, addressed by number, and functions of the system. */
@NullMarked
package io.ladon.engine.memory;

import org.jspecify.annotations.NullMarked;
