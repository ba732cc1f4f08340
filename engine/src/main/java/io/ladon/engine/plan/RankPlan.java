package io.ladon.engine.plan;

/**
 * What one rank owns. Any range may be empty.
 *
 * @param queryHeads query heads, also the rows of Q in units of head size
 * @param kvHeads KV heads that those query heads read; shared with other ranks where there are more
 *     ranks than KV heads
 * @param feedForward rows of gate and up; with {@link Split#COLUMNS} also the columns of down
 * @param outputRows rows of the output projection that it computes: all (WHOLE, COLUMNS) or its own
 *     (ROWS)
 * @param outputLeaves leaves of the output projection that it sums: all (WHOLE, ROWS) or its own
 *     (COLUMNS)
 * @param downRows rows of down that it computes
 * @param downLeaves leaves of down that it sums
 * @param vocabulary rows of the vocabulary head, whole tiles
 */
public record RankPlan(
    int rank,
    Range queryHeads,
    Range kvHeads,
    Range feedForward,
    Range outputRows,
    Range outputLeaves,
    Range downRows,
    Range downLeaves,
    Range vocabulary) {}
