/** A network between nodes that is worse than the machine's own, for tests and measurements. */
@NullMarked
package io.ladon.proxy;

import org.jspecify.annotations.NullMarked;
