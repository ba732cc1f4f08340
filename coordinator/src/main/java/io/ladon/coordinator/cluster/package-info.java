/** Who is a member, which plan holds, and whether the cluster can serve. */
@NullMarked
package io.ladon.coordinator.cluster;

import org.jspecify.annotations.NullMarked;
