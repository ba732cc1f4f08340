/**
 * Machine code for x86-64 that the engine assembles at start: the quickest way to multiply packed
 * weights with a step's activations.
 *
 * <p>It knows addresses only; {@code MachineKernels} one room up knows the matrices.
 */
@NullMarked
package io.ladon.engine.kernel.x86;

import org.jspecify.annotations.NullMarked;
