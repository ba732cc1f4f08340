/** The stream to the coordinator, dialled again whenever it ends. */
@NullMarked
package io.ladon.worker.join;

import org.jspecify.annotations.NullMarked;
