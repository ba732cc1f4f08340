/** Tests of the parts that turn tokens into answers. */
@NullMarked
package io.ladon.coordinator.api.openai;

import org.jspecify.annotations.NullMarked;
