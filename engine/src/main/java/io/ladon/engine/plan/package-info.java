/** Which rank owns what: one pure function from a model and a number of ranks. */
@NullMarked
package io.ladon.engine.plan;

import org.jspecify.annotations.NullMarked;
