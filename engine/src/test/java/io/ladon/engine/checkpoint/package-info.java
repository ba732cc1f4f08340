@NullMarked
package io.ladon.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
