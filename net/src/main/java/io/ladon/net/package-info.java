/** Sockets as coordinator and workers use them: between nodes, for messages that are waited for. */
@NullMarked
package io.ladon.net;

import org.jspecify.annotations.NullMarked;
