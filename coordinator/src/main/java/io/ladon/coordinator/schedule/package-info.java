/** Puts the runs of all sequences into steps, and their results back into sequences. */
@NullMarked
package io.ladon.coordinator.schedule;

import org.jspecify.annotations.NullMarked;
