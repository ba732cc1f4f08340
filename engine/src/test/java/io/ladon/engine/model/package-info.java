@NullMarked
package io.ladon.engine.model;

import org.jspecify.annotations.NullMarked;
