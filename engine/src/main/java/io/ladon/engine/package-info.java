/** The maths of a rank, with no network in it. */
@NullMarked
package io.ladon.engine;

import org.jspecify.annotations.NullMarked;
