/** Tests of one rank, and of several against one. */
@NullMarked
package io.ladon.engine.rank;

import org.jspecify.annotations.NullMarked;
