/** Models by name: where their files come from, and the folder that keeps them. */
@NullMarked
package io.ladon.cli.catalogue;

import org.jspecify.annotations.NullMarked;
