/** What the API asks of the cluster: a prompt of token ids goes in, generated tokens come out. */
@NullMarked
package io.ladon.coordinator.generate;

import org.jspecify.annotations.NullMarked;
