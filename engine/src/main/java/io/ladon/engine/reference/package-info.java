/** A plain scalar model: the oracle that every faster path is compared with. */
@NullMarked
package io.ladon.engine.reference;

import org.jspecify.annotations.NullMarked;
