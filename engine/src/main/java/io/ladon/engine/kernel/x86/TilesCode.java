package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.AttentionParameters.BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.BLOCKS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS;
import static io.ladon.engine.kernel.x86.AttentionParameters.END;
import static io.ladon.engine.kernel.x86.AttentionParameters.KEYS;
import static io.ladon.engine.kernel.x86.AttentionParameters.QUERIES;
import static io.ladon.engine.kernel.x86.AttentionParameters.ROWS;
import static io.ladon.engine.kernel.x86.AttentionParameters.SCORES;
import static io.ladon.engine.kernel.x86.AttentionParameters.SHARED_BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.SHARED_END;
import static io.ladon.engine.kernel.x86.AttentionParameters.STATES;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILE;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILES_END;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILE_BLOCKS;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILE_KEYS;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILE_VALUES;
import static io.ladon.engine.kernel.x86.AttentionParameters.VALUES;
import static io.ladon.engine.kernel.x86.AttentionRows.field;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;

/**
 * The tiles of one part of attention, one after the other: what goes over them and over the rows,
 * and calls the functions of {@link AttentionCode} and {@link SoftmaxCode}.
 *
 * <p>In registers that are kept while others are called: rbx the address of {@link
 * AttentionParameters}, rbp what is fetched meanwhile ({@link #emitFetched}), r12 the first
 * position of the part or, within a tile, a row, r13 the first position of a tile, r14 the first of
 * r15 rows that go together.
 */
final class TilesCode {

  /** A tile that begins so many positions behind the first that rows see fetches no values. */
  private static final int FETCHED_POSITIONS = AttentionLayout.TILE + 1;

  private final Assembler a;
  private final AttentionLayout layout;
  private final AttentionRows rows;
  private final Functions functions;
  private final int unit; // positions whose scores are computed together
  private final int most; // rows that are

  /**
   * Where functions begin.
   *
   * @param ofRows of keys and values as they are in the cache
   * @param convertKeys makes float32 of them
   * @param ofConverted of what was converted
   */
  record Functions(
      Label clear,
      Label weigh,
      OfRows ofRows,
      Label convertKeys,
      Label convertValues,
      OfRows ofConverted) {}

  /**
   * Where functions of some rows begin, by how many they are.
   *
   * @param scores see {@link AttentionCode#scores}
   * @param values see {@link AttentionCode#values}
   */
  record OfRows(Label[] scores, Label[] values) {}

  TilesCode(Lanes lanes, AttentionLayout layout, Functions functions) {
    this.a = lanes.a();
    this.layout = layout;
    this.rows = new AttentionRows(a);
    this.functions = functions;
    this.unit = AttentionLayout.BLOCK * AttentionCode.blocksTogether(lanes);
    this.most = AttentionCode.maxRows(lanes);
  }

  /** Of the part that begins at r12 into {@code STATES}, from states of no position. */
  void emit() {
    a.mov(Gp.RDI, field(STATES));
    a.mov(Gp.RSI, field(ROWS));
    a.call(functions.clear);
    a.mov(Gp.R13, field(BOUNDS + BEGIN));
    a.and(Gp.R13, -AttentionLayout.TILE);
    a.atLeast(Gp.R13, Gp.R12);
    rows.lastBound(Gp.RAX, END);
    a.mov(Gp.RCX, Gp.R12);
    a.add(Gp.RCX, AttentionLayout.PART);
    a.atMost(Gp.RAX, Gp.RCX);
    a.mov(field(TILES_END), Gp.RAX);
    a.push(Gp.R12);
    Label loop = a.loop();
    Label next = new Label();
    emitAddresses();
    emitFetched();
    if (layout.element() != Element.FLOAT) {
      // What goes over all rows more than once is converted once.
      Label few = new Label();
      a.mov(Gp.RAX, field(ROWS));
      a.cmp(Gp.RAX, most);
      a.jump(Condition.LESS_OR_EQUAL, few);
      convert(TILE_KEYS, functions.convertKeys);
      groups(() -> emitScores(functions.ofConverted));
      emitWeights();
      convert(TILE_VALUES, functions.convertValues);
      groups(() -> emitValues(functions.ofConverted));
      a.jmp(next);
      a.bind(few);
    }
    groups(() -> emitScores(functions.ofRows));
    emitWeights();
    groups(() -> emitValues(functions.ofRows));
    a.bind(next);
    a.add(Gp.R13, AttentionLayout.TILE);
    a.cmp(Gp.R13, field(TILES_END));
    a.jump(Condition.LESS, loop);
    a.pop(Gp.R12);
    a.ret();
  }

  /**
   * Makes float32 of a tile's blocks, up to the last of which rows see something, and puts the new
   * addresses in place of the old ones.
   */
  private void convert(int addresses, Label function) {
    int bytes = AttentionLayout.BLOCK * layout.headBytes();
    for (int i = 0; i < TILE_BLOCKS; i++) {
      Label unseen = new Label();
      a.mov(Gp.RDI, field(addresses + 8 * i));
      a.mov(Gp.RSI, field(TILE));
      a.add(Gp.RSI, i * bytes);
      a.mov(field(addresses + 8 * i), Gp.RSI);
      a.mov(Gp.RAX, field(TILES_END));
      a.sub(Gp.RAX, Gp.R13);
      a.cmp(Gp.RAX, i * AttentionLayout.BLOCK);
      a.jump(Condition.LESS_OR_EQUAL, unseen);
      a.call(function);
      a.bind(unseen);
    }
  }

  /** Looks up the blocks of a tile; in place of one that no row sees, the next that one does. */
  private void emitAddresses() {
    Gp first = Gp.RCX;
    Gp last = Gp.RDX;
    a.mov(first, field(BOUNDS + BEGIN));
    a.sar(first, AttentionLayout.BLOCK_BITS);
    rows.lastBound(last, END);
    a.dec(last);
    a.sar(last, AttentionLayout.BLOCK_BITS);
    a.mov(Gp.R8, Gp.R13);
    a.sar(Gp.R8, AttentionLayout.BLOCK_BITS);
    for (int i = 0; i < TILE_BLOCKS; i++) {
      a.mov(Gp.RAX, Gp.R8);
      a.add(Gp.RAX, i);
      a.atLeast(Gp.RAX, first);
      a.atMost(Gp.RAX, last);
      a.shl(Gp.RAX, 2);
      a.add(Gp.RAX, field(BLOCKS));
      a.movsxd(Gp.RAX, Memory.at(Gp.RAX, 0));
      a.imul(Gp.RAX, Gp.RAX, layout.blockBytes());
      a.mov(Gp.R9, Gp.RAX);
      a.add(Gp.RAX, field(KEYS));
      a.mov(field(TILE_KEYS + 8 * i), Gp.RAX);
      a.add(Gp.R9, field(VALUES));
      a.mov(field(TILE_VALUES + 8 * i), Gp.R9);
    }
  }

  /**
   * Sets rbp to what is fetched meanwhile. In the first two tiles that rows see: the values while
   * scores are computed, and the next KV head's keys while values are weighed, which few rows would
   * wait for. From then on the CPU follows by itself, and what is read anyway is fetched.
   */
  private void emitFetched() {
    Label set = new Label();
    a.mov(Gp.RBP, 0);
    a.mov(Gp.RAX, field(BOUNDS + BEGIN));
    a.add(Gp.RAX, FETCHED_POSITIONS);
    a.cmp(Gp.R13, Gp.RAX);
    a.jump(Condition.GREATER_OR_EQUAL, set);
    a.mov(Gp.RBP, TILE_VALUES - TILE_KEYS);
    a.bind(set);
  }

  /** Runs over the rows: r14 is the first of r15 that go together. */
  private void groups(Runnable body) {
    a.mov(Gp.R14, 0);
    Label groups = a.loop();
    a.mov(Gp.R15, field(ROWS));
    a.sub(Gp.R15, Gp.R14);
    a.mov(Gp.RAX, most);
    a.atMost(Gp.R15, Gp.RAX);
    body.run();
    a.add(Gp.R14, Gp.R15);
    a.cmp(Gp.R14, field(ROWS));
    a.jump(Condition.LESS, groups);
  }

  /** Calls the function for r15 rows. */
  private void call(Label[] byRows) {
    Label done = new Label();
    for (int count = most; count > 0; count--) {
      Label other = new Label();
      a.cmp(Gp.R15, count);
      a.jump(Condition.NOT_EQUAL, other);
      a.call(byRows[count]);
      a.jmp(done);
      a.bind(other);
    }
    a.bind(done);
  }

  /** First position in the tile that a row sees. */
  private void begin(Gp to, Gp row) {
    rows.bound(to, row, BEGIN);
    a.sub(to, Gp.R13);
    a.mov(Gp.R8, 0);
    a.atLeast(to, Gp.R8);
  }

  /** End of the positions in the tile that a row sees; may be before the begin. */
  private void end(Gp to, Gp row) {
    rows.bound(to, row, END);
    a.sub(to, Gp.R13);
    a.mov(Gp.R8, AttentionLayout.TILE);
    a.atMost(to, Gp.R8);
  }

  /** The last row of those that go together. */
  private Gp lastOfGroup(Gp to) {
    a.mov(to, Gp.R14);
    a.add(to, Gp.R15);
    a.dec(to);
    return to;
  }

  /** Scores of the blocks in which any of the rows sees a position, and some around. */
  private void emitScores(OfRows code) {
    Gp first = Gp.RDX;
    Gp units = Gp.RCX;
    Label nothing = new Label();
    begin(first, Gp.R14);
    end(units, lastOfGroup(units));
    a.cmp(first, units);
    a.jump(Condition.GREATER_OR_EQUAL, nothing);
    a.and(first, -unit);
    a.sub(units, first);
    a.add(units, unit - 1);
    a.sar(units, Integer.numberOfTrailingZeros(unit));
    rows.ofRow(Gp.RDI, Gp.R14, QUERIES, layout.headBytes());
    rows.ofRow(Gp.RSI, Gp.R14, SCORES, layout.scoresStride());
    a.mov(Gp.RAX, first);
    a.shl(Gp.RAX, 2);
    a.add(Gp.RSI, Gp.RAX);
    a.sar(first, AttentionLayout.BLOCK_BITS);
    a.shl(first, 3);
    a.add(first, Gp.RBX);
    a.add(first, TILE_KEYS);
    call(code.scores);
    a.bind(nothing);
  }

  private void emitWeights() {
    a.mov(Gp.RDI, field(SCORES));
    a.mov(Gp.RSI, field(STATES));
    a.mov(Gp.RDX, Gp.RBX);
    a.add(Gp.RDX, BOUNDS);
    a.mov(Gp.RCX, field(ROWS));
    a.mov(Gp.R8, Gp.R13);
    a.call(functions.weigh);
  }

  /**
   * Weighted values of the rows: together where all see a position, and before and behind that one
   * by one, for what a row does not see must not even be multiplied by 0.
   */
  private void emitValues(OfRows code) {
    // Later rows begin and end later.
    Gp sharedBegin = Gp.R10;
    Gp sharedEnd = Gp.R11;
    begin(sharedBegin, lastOfGroup(sharedBegin));
    end(sharedEnd, Gp.R14);
    a.atLeast(sharedEnd, sharedBegin);
    a.mov(field(SHARED_BEGIN), sharedBegin);
    a.mov(field(SHARED_END), sharedEnd);
    Label together = new Label();
    begin(Gp.RAX, Gp.R14);
    a.cmp(Gp.RAX, sharedBegin);
    a.jump(Condition.EQUAL, together);
    eachRow(
        code,
        () -> {
          a.mov(Gp.RAX, field(SHARED_BEGIN));
          a.atMost(Gp.RSI, Gp.RAX);
        });
    a.bind(together);
    Label behind = new Label();
    a.mov(Gp.R9, field(SHARED_BEGIN));
    a.mov(Gp.RSI, field(SHARED_END));
    a.cmp(Gp.R9, Gp.RSI);
    a.jump(Condition.GREATER_OR_EQUAL, behind);
    valuesOf(Gp.R14, () -> call(code.values));
    a.bind(behind);
    Label done = new Label();
    end(Gp.RAX, lastOfGroup(Gp.RAX));
    a.cmp(Gp.RAX, field(SHARED_END));
    a.jump(Condition.EQUAL, done);
    eachRow(
        code,
        () -> {
          a.mov(Gp.RAX, field(SHARED_END));
          a.atLeast(Gp.R9, Gp.RAX);
        });
    a.bind(done);
  }

  /**
   * Weighted values of the rows that go together, one by one.
   *
   * @param cut emits what leaves some of a row's positions, which are from r9 to rsi
   */
  private void eachRow(OfRows code, Runnable cut) {
    a.mov(Gp.R12, Gp.R14);
    Label loop = a.loop();
    Label next = new Label();
    begin(Gp.R9, Gp.R12);
    end(Gp.RSI, Gp.R12);
    cut.run();
    a.cmp(Gp.R9, Gp.RSI);
    a.jump(Condition.GREATER_OR_EQUAL, next);
    valuesOf(Gp.R12, () -> a.call(code.values[1]));
    a.bind(next);
    a.add(Gp.R12, 1);
    a.mov(Gp.RAX, Gp.R14);
    a.add(Gp.RAX, Gp.R15);
    a.cmp(Gp.R12, Gp.RAX);
    a.jump(Condition.LESS, loop);
  }

  /** Positions from r9 to rsi, of a row and those behind it. */
  private void valuesOf(Gp row, Runnable call) {
    a.mov(Gp.R8, Gp.R9);
    a.mov(Gp.RDI, Gp.RBX);
    a.add(Gp.RDI, TILE_VALUES);
    rows.ofRow(Gp.RDX, row, STATES, layout.stateStride());
    rows.ofRow(Gp.RCX, row, SCORES, layout.scoresStride());
    call.run();
  }
}
