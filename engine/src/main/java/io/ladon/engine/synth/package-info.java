/** Writes random-weight checkpoints, for measurements and tests: no token ever passes here. */
@NullMarked
package io.ladon.engine.synth;

import org.jspecify.annotations.NullMarked;
