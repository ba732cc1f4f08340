/** The coordinator: everything from a client's request to the steps that the ranks run. */
@NullMarked
package io.ladon.coordinator;

import org.jspecify.annotations.NullMarked;
