@NullMarked
package io.ladon.engine.synth;

import org.jspecify.annotations.NullMarked;
