/** Clusters of real containers on a network of their own, driven from outside. */
@NullMarked
package io.ladon.containers;

import org.jspecify.annotations.NullMarked;
