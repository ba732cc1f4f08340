/** Measures a cluster of processes from outside, as a client sees it. */
@NullMarked
package io.ladon.cli.bench;

import org.jspecify.annotations.NullMarked;
