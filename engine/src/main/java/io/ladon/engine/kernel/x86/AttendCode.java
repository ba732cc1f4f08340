package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.AttentionParameters.BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.BLOCKS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS_BITS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS_BYTES;
import static io.ladon.engine.kernel.x86.AttentionParameters.END;
import static io.ladon.engine.kernel.x86.AttentionParameters.FROM;
import static io.ladon.engine.kernel.x86.AttentionParameters.FROM_STEP;
import static io.ladon.engine.kernel.x86.AttentionParameters.HEADS;
import static io.ladon.engine.kernel.x86.AttentionParameters.KEYS;
import static io.ladon.engine.kernel.x86.AttentionParameters.OUT;
import static io.ladon.engine.kernel.x86.AttentionParameters.OUT_STEP;
import static io.ladon.engine.kernel.x86.AttentionParameters.PART;
import static io.ladon.engine.kernel.x86.AttentionParameters.PART_BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.POSITION;
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
import static io.ladon.engine.kernel.x86.AttentionParameters.TOKENS;
import static io.ladon.engine.kernel.x86.AttentionParameters.TOTAL;
import static io.ladon.engine.kernel.x86.AttentionParameters.VALUES;
import static io.ladon.engine.kernel.x86.AttentionParameters.WINDOW;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;

/**
 * Attention of some heads of some consecutive tokens, from the queries to the results or to the
 * states of one part: what goes over parts, tiles and rows, and calls the functions of {@link
 * AttentionCode} and {@link SoftmaxCode}. Between these there would be more Java than code.
 *
 * <p>Arguments are {@link AttentionParameters}, whose address is in rdi. Kept while others are
 * called: rbx the parameters' address, r12 the first position of a part or a row, r13 the first
 * position of a tile, r14 a row, r15 how many rows go together. Not rbp, by which profilers find
 * the callers.
 */
final class AttendCode {

  /** Positions of a part: tiles that have their own running softmax. */
  private static final int PART_POSITIONS = 4 * AttentionLayout.TILE;

  private final Assembler a;
  private final AttentionLayout layout;
  private final Functions functions;
  private final int unit; // positions whose scores are computed together
  private final int most; // rows that are
  private final Label tiles = new Label();

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
      Label merge,
      Label finish,
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

  AttendCode(Lanes lanes, AttentionLayout layout, Functions functions) {
    this.a = lanes.a();
    this.layout = layout;
    this.functions = functions;
    this.unit = AttentionLayout.BLOCK * AttentionCode.blocksTogether(lanes);
    this.most = AttentionCode.maxRows(lanes);
  }

  /** Emits what {@link #part} and {@link #all} call. */
  void emitFunctions() {
    a.align();
    a.bind(tiles);
    emitTiles();
  }

  private static final Gp[] KEPT = {Gp.RBX, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

  private void enter() {
    for (Gp register : KEPT) {
      a.push(register);
    }
    a.mov(Gp.RBX, Gp.RDI);
    emitQueries();
    emitBounds();
  }

  private void leave() {
    for (int i = KEPT.length; i > 0; i--) {
      a.pop(KEPT[i - 1]);
    }
    a.ret();
  }

  /** Into the states of one part. */
  void part() {
    enter();
    a.mov(Gp.R12, field(PART_BEGIN));
    a.mov(Gp.RAX, field(PART));
    a.mov(field(STATES), Gp.RAX);
    a.call(tiles);
    leave();
  }

  /** Of all parts, to the results. */
  void all() {
    enter();
    Label parts = new Label();
    Label merged = new Label();
    a.mov(Gp.R12, field(BOUNDS + BEGIN));
    a.and(Gp.R12, -PART_POSITIONS);
    // Where all rows begin in the first part, it is the total.
    bounds(Gp.RAX, last(Gp.RAX));
    a.mov(Gp.RAX, at(Gp.RAX, BOUNDS + BEGIN));
    a.sub(Gp.RAX, Gp.R12);
    a.cmp(Gp.RAX, PART_POSITIONS);
    a.jump(Condition.GREATER_OR_EQUAL, parts);
    a.mov(Gp.RAX, field(TOTAL));
    a.mov(field(STATES), Gp.RAX);
    a.call(tiles);
    a.jmp(merged);
    a.bind(parts);
    a.mov(Gp.RAX, field(PART));
    a.mov(field(STATES), Gp.RAX);
    a.call(tiles);
    emitMerge();
    a.bind(merged);
    a.add(Gp.R12, PART_POSITIONS);
    bounds(Gp.RAX, last(Gp.RAX));
    a.cmp(Gp.R12, at(Gp.RAX, BOUNDS + END));
    a.jump(Condition.LESS, parts);
    emitResults();
    leave();
  }

  private static Memory field(int offset) {
    return at(Gp.RBX, offset);
  }

  /** The number of the last row. */
  private Gp last(Gp to) {
    a.mov(to, field(ROWS));
    a.dec(to);
    return to;
  }

  /** An address from which a row's bounds are {@code BOUNDS} on. */
  private void bounds(Gp to, Gp row) {
    if (!to.equals(row)) {
      a.mov(to, row);
    }
    a.shl(to, BOUNDS_BITS);
    a.add(to, Gp.RBX);
  }

  /** Address of what belongs to a row. */
  private void ofRow(Gp to, Gp row, int first, int stride) {
    a.imul(to, row, stride);
    a.add(to, field(first));
  }

  /** Copies the queries to where rows follow each other. */
  private void emitQueries() {
    a.mov(Gp.R8, field(FROM));
    a.mov(Gp.RDX, field(TOKENS));
    a.mov(Gp.RDI, field(QUERIES));
    a.imul(Gp.R9, first(Gp.R9, HEADS), layout.headSize());
    Label tokens = a.loop();
    a.mov(Gp.RSI, Gp.R8);
    a.mov(Gp.RCX, Gp.R9);
    a.repMovsd();
    a.add(Gp.R8, field(FROM_STEP));
    a.dec(Gp.RDX);
    a.jump(Condition.NOT_EQUAL, tokens);
  }

  private Gp first(Gp to, int field) {
    a.mov(to, field(field));
    return to;
  }

  /** Writes what each row sees. */
  private void emitBounds() {
    Gp end = Gp.RAX;
    Gp begin = Gp.RDX;
    a.mov(Gp.RDI, Gp.RBX);
    a.mov(Gp.RSI, field(TOKENS));
    a.mov(Gp.R8, 0);
    a.mov(end, field(POSITION));
    Label tokens = a.loop();
    a.add(end, 1);
    a.mov(begin, end);
    a.mov(Gp.RCX, field(WINDOW));
    a.sub(begin, Gp.RCX);
    a.atLeast(begin, Gp.R8);
    a.mov(Gp.RCX, field(HEADS));
    Label heads = a.loop();
    a.mov(at(Gp.RDI, BOUNDS + BEGIN), begin);
    a.mov(at(Gp.RDI, BOUNDS + END), end);
    a.add(Gp.RDI, BOUNDS_BYTES);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, heads);
    a.dec(Gp.RSI);
    a.jump(Condition.NOT_EQUAL, tokens);
  }

  /** The tiles of the part that begins at r12 into {@code STATES}, from states of no position. */
  private void emitTiles() {
    a.mov(Gp.RDI, field(STATES));
    a.mov(Gp.RSI, field(ROWS));
    a.call(functions.clear);
    a.mov(Gp.R13, field(BOUNDS + BEGIN));
    a.and(Gp.R13, -AttentionLayout.TILE);
    a.atLeast(Gp.R13, Gp.R12);
    bounds(Gp.RAX, last(Gp.RAX));
    a.mov(Gp.RAX, at(Gp.RAX, BOUNDS + END));
    a.mov(Gp.RCX, Gp.R12);
    a.add(Gp.RCX, PART_POSITIONS);
    a.atMost(Gp.RAX, Gp.RCX);
    a.mov(field(TILES_END), Gp.RAX);
    a.push(Gp.R12);
    Label loop = a.loop();
    Label next = new Label();
    emitAddresses();
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
   * Makes float32 of those blocks of a tile of which rows see something, and puts their new
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
    bounds(last, last(last));
    a.mov(last, at(last, BOUNDS + END));
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
      a.movsxd(Gp.RAX, at(Gp.RAX, 0));
      a.imul(Gp.RAX, Gp.RAX, layout.blockBytes());
      a.mov(Gp.R9, Gp.RAX);
      a.add(Gp.RAX, field(KEYS));
      a.mov(field(TILE_KEYS + 8 * i), Gp.RAX);
      a.add(Gp.R9, field(VALUES));
      a.mov(field(TILE_VALUES + 8 * i), Gp.R9);
    }
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
    for (int rows = most; rows > 0; rows--) {
      Label other = new Label();
      a.cmp(Gp.R15, rows);
      a.jump(Condition.NOT_EQUAL, other);
      a.call(byRows[rows]);
      a.jmp(done);
      a.bind(other);
    }
    a.bind(done);
  }

  /** First position in the tile that a row sees. */
  private void begin(Gp to, Gp row) {
    bounds(to, row);
    a.mov(to, at(to, BOUNDS + BEGIN));
    a.sub(to, Gp.R13);
    a.mov(Gp.R8, 0);
    a.atLeast(to, Gp.R8);
  }

  /** End of the positions in the tile that a row sees; may be before the begin. */
  private void end(Gp to, Gp row) {
    bounds(to, row);
    a.mov(to, at(to, BOUNDS + END));
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
    ofRow(Gp.RDI, Gp.R14, QUERIES, layout.headBytes());
    ofRow(Gp.RSI, Gp.R14, SCORES, layout.scoresStride());
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
          begin(Gp.R9, Gp.R12);
          end(Gp.RSI, Gp.R12);
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
          begin(Gp.R9, Gp.R12);
          end(Gp.RSI, Gp.R12);
          a.mov(Gp.RAX, field(SHARED_END));
          a.atLeast(Gp.R9, Gp.RAX);
        });
    a.bind(done);
  }

  /**
   * Weighted values of the rows that go together, one by one.
   *
   * @param positions emits what puts the first position of row r12 in r9 and the end in rsi
   */
  private void eachRow(OfRows code, Runnable positions) {
    a.mov(Gp.R12, Gp.R14);
    Label rows = a.loop();
    Label next = new Label();
    positions.run();
    a.cmp(Gp.R9, Gp.RSI);
    a.jump(Condition.GREATER_OR_EQUAL, next);
    valuesOf(Gp.R12, () -> a.call(code.values[1]));
    a.bind(next);
    a.add(Gp.R12, 1);
    a.mov(Gp.RAX, Gp.R14);
    a.add(Gp.RAX, Gp.R15);
    a.cmp(Gp.R12, Gp.RAX);
    a.jump(Condition.LESS, rows);
  }

  /** Positions from r9 to rsi, of a row and those behind it. */
  private void valuesOf(Gp row, Runnable call) {
    a.mov(Gp.R8, Gp.R9);
    a.mov(Gp.RDI, Gp.RBX);
    a.add(Gp.RDI, TILE_VALUES);
    ofRow(Gp.RDX, row, STATES, layout.stateStride());
    ofRow(Gp.RCX, row, SCORES, layout.scoresStride());
    call.run();
  }

  /** Takes the part that begins at r12 into the total of the rows that see any of it. */
  private void emitMerge() {
    a.mov(Gp.R14, 0);
    Label rows = a.loop();
    Label next = new Label();
    Label notFirst = new Label();
    bounds(Gp.RCX, Gp.R14);
    a.mov(Gp.RAX, at(Gp.RCX, BOUNDS + BEGIN));
    a.sub(Gp.RAX, Gp.R12);
    a.cmp(Gp.RAX, PART_POSITIONS);
    a.jump(Condition.GREATER_OR_EQUAL, next);
    a.mov(Gp.RDX, at(Gp.RCX, BOUNDS + END));
    a.cmp(Gp.RDX, Gp.R12);
    a.jump(Condition.LESS_OR_EQUAL, next);
    ofRow(Gp.RDI, Gp.R14, PART, layout.stateStride());
    ofRow(Gp.RSI, Gp.R14, TOTAL, layout.stateStride());
    a.cmp(Gp.RAX, 0);
    a.jump(Condition.LESS, notFirst);
    a.mov(Gp.RAX, Gp.RSI);
    a.mov(Gp.RSI, Gp.RDI);
    a.mov(Gp.RDI, Gp.RAX);
    a.mov(Gp.RCX, layout.stateStride() / 4);
    a.repMovsd();
    a.jmp(next);
    a.bind(notFirst);
    a.call(functions.merge);
    a.bind(next);
    a.add(Gp.R14, 1);
    a.cmp(Gp.R14, field(ROWS));
    a.jump(Condition.LESS, rows);
  }

  /** Divides the totals by the sums of their exponentials. */
  private void emitResults() {
    Gp state = Gp.R12;
    Gp to = Gp.R13;
    Gp heads = Gp.R14;
    Gp rows = Gp.R15;
    a.mov(state, field(TOTAL));
    a.mov(to, field(OUT));
    a.mov(heads, field(HEADS));
    a.mov(rows, field(ROWS));
    Label loop = a.loop();
    Label sameToken = new Label();
    a.mov(Gp.RDI, state);
    a.mov(Gp.RSI, to);
    a.call(functions.finish);
    a.add(state, layout.stateStride());
    a.add(to, layout.headBytes());
    a.dec(heads);
    a.jump(Condition.NOT_EQUAL, sameToken);
    a.mov(heads, field(HEADS));
    a.imul(Gp.RAX, heads, layout.headBytes());
    a.sub(to, Gp.RAX);
    a.add(to, field(OUT_STEP));
    a.bind(sameToken);
    a.dec(rows);
    a.jump(Condition.NOT_EQUAL, loop);
  }
}
