/** Tests of the API from outside, over loopback, on a scripted service and a byte tokenizer. */
@NullMarked
package io.ladon.coordinator.api;

import org.jspecify.annotations.NullMarked;
