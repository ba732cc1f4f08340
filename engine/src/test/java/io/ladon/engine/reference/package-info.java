@NullMarked
package io.ladon.engine.reference;

import org.jspecify.annotations.NullMarked;
