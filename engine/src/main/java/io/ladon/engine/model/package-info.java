/** What a model is, as data read from its checkpoint. */
@NullMarked
package io.ladon.engine.model;

import org.jspecify.annotations.NullMarked;
