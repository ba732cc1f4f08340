/** The one thread of a rank that computes and moves bytes. */
@NullMarked
package io.ladon.worker.loop;

import org.jspecify.annotations.NullMarked;
