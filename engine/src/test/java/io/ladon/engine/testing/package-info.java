/** What tests of several modules share: tiny models of every family. */
@NullMarked
package io.ladon.engine.testing;

import org.jspecify.annotations.NullMarked;
