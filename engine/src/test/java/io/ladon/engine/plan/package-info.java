@NullMarked
package io.ladon.engine.plan;

import org.jspecify.annotations.NullMarked;
