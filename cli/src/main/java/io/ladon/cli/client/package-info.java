/** Talks to a coordinator's API as any client would. */
@NullMarked
package io.ladon.cli.client;

import org.jspecify.annotations.NullMarked;
