package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.plan.ShardPlan;

/**
 * What one rank is to hold.
 *
 * @param kvBlocks blocks of 16 positions in the KV cache
 * @param kvType {@code f16}, {@code f32} or {@code q8}
 * @param maxStepTokens no step carries more tokens
 * @param maxStepRuns no step carries more runs
 * @param maxStepAsked no step asks for the candidates of more tokens
 * @param maxCandidates no token's candidates are more
 * @param crowded whether this machine runs more busy threads than it has cores
 */
public record ShardSpec(
    ShardPlan plan,
    int rank,
    GgufHeader header,
    int kvBlocks,
    String kvType,
    int maxStepTokens,
    int maxStepRuns,
    int maxStepAsked,
    int maxCandidates,
    boolean crowded) {}
