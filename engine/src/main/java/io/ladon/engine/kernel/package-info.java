/**
 * The arithmetic: packed weights and the kernels that multiply, normalise and activate, all tiers
 * giving the same bits.
 */
@NullMarked
package io.ladon.engine.kernel;

import org.jspecify.annotations.NullMarked;
