package io.ladon.worker.member;

import io.ladon.worker.loop.CpuSet;

/**
 * How a rank shares its machine with others of its epoch.
 *
 * @param isCrowded whether they make this machine run more busy threads than it has cores
 * @param cpus that its threads keep to
 */
public record Placement(boolean isCrowded, CpuSet cpus) {}
