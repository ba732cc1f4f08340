/** How ranks swap their parts of a step. */
@NullMarked
package io.ladon.engine.exchange;

import org.jspecify.annotations.NullMarked;
