/** How quick the parts are, measured with JMH. */
@NullMarked
package io.ladon.benchmarks;

import org.jspecify.annotations.NullMarked;
