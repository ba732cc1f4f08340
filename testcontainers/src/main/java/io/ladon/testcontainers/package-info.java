/** Ladon clusters in containers, for tests: of Ladon itself and of what uses it. */
@NullMarked
package io.ladon.testcontainers;

import org.jspecify.annotations.NullMarked;
