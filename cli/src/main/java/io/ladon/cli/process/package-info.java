/** The processes of a cluster on this machine: the only place that starts any. */
@NullMarked
package io.ladon.cli.process;

import org.jspecify.annotations.NullMarked;
