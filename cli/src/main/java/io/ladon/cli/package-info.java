/** The ladon command: one class a sub-command. */
@NullMarked
package io.ladon.cli;

import org.jspecify.annotations.NullMarked;
