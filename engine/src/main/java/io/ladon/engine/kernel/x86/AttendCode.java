package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.AttentionParameters.BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS;
import static io.ladon.engine.kernel.x86.AttentionParameters.BOUNDS_BYTES;
import static io.ladon.engine.kernel.x86.AttentionParameters.END;
import static io.ladon.engine.kernel.x86.AttentionParameters.FROM;
import static io.ladon.engine.kernel.x86.AttentionParameters.FROM_STEP;
import static io.ladon.engine.kernel.x86.AttentionParameters.HEADS;
import static io.ladon.engine.kernel.x86.AttentionParameters.OUT;
import static io.ladon.engine.kernel.x86.AttentionParameters.OUT_STEP;
import static io.ladon.engine.kernel.x86.AttentionParameters.PART;
import static io.ladon.engine.kernel.x86.AttentionParameters.PART_BEGIN;
import static io.ladon.engine.kernel.x86.AttentionParameters.POSITION;
import static io.ladon.engine.kernel.x86.AttentionParameters.QUERIES;
import static io.ladon.engine.kernel.x86.AttentionParameters.ROWS;
import static io.ladon.engine.kernel.x86.AttentionParameters.STATES;
import static io.ladon.engine.kernel.x86.AttentionParameters.TOKENS;
import static io.ladon.engine.kernel.x86.AttentionParameters.TOTAL;
import static io.ladon.engine.kernel.x86.AttentionParameters.WINDOW;
import static io.ladon.engine.kernel.x86.AttentionRows.field;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * Attention of some heads of some consecutive tokens, from the queries to the results or to the
 * states of one part: what goes over parts, and calls the functions of {@link TilesCode} and {@link
 * SoftmaxCode}. Between these there would be more Java than code.
 *
 * <p>Arguments are {@link AttentionParameters}, whose address is in rdi. Kept while others are
 * called: rbx that address, r12 the first position of a part, r13 to r15 for whoever is called. Not
 * rbp, by which profilers find the callers.
 */
final class AttendCode {

  private static final Gp[] KEPT = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

  private final Assembler a;
  private final AttentionLayout layout;
  private final AttentionRows rows;
  private final Label tiles;
  private final Label merge;
  private final Label finish;

  /**
   * @param tiles where {@link TilesCode#emit} begins
   * @param merge where {@link SoftmaxCode#merge} does
   * @param finish where {@link SoftmaxCode#finish} does
   */
  AttendCode(Assembler assembler, AttentionLayout layout, Label tiles, Label merge, Label finish) {
    this.a = assembler;
    this.layout = layout;
    this.rows = new AttentionRows(assembler);
    this.tiles = tiles;
    this.merge = merge;
    this.finish = finish;
  }

  /** Into the states of one part. */
  void part() {
    enter();
    a.mov(Gp.R12, field(PART_BEGIN));
    callTiles(PART);
    leave();
  }

  /** Of all parts, to the results. */
  void all() {
    enter();
    Label parts = new Label();
    Label merged = new Label();
    a.mov(Gp.R12, field(BOUNDS + BEGIN));
    a.and(Gp.R12, -AttentionLayout.PART);
    // Where all rows begin in the first part, it is the total.
    rows.lastBound(Gp.RAX, BEGIN);
    a.sub(Gp.RAX, Gp.R12);
    a.cmp(Gp.RAX, AttentionLayout.PART);
    a.jump(Condition.GREATER_OR_EQUAL, parts);
    callTiles(TOTAL);
    a.jmp(merged);
    a.bind(parts);
    callTiles(PART);
    emitMerge();
    a.bind(merged);
    a.add(Gp.R12, AttentionLayout.PART);
    rows.lastBound(Gp.RAX, END);
    a.cmp(Gp.R12, Gp.RAX);
    a.jump(Condition.LESS, parts);
    emitResults();
    leave();
  }

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

  /**
   * The part that begins at r12.
   *
   * @param states the parameter that has the address of its states
   */
  private void callTiles(int states) {
    a.mov(Gp.RAX, field(states));
    a.mov(field(STATES), Gp.RAX);
    a.call(tiles);
  }

  /** Copies the queries to where rows follow each other. */
  private void emitQueries() {
    a.mov(Gp.R8, field(FROM));
    a.mov(Gp.RDX, field(TOKENS));
    a.mov(Gp.RDI, field(QUERIES));
    a.mov(Gp.R9, field(HEADS));
    a.imul(Gp.R9, Gp.R9, layout.headSize());
    Label tokens = a.loop();
    a.mov(Gp.RSI, Gp.R8);
    a.mov(Gp.RCX, Gp.R9);
    a.repMovsd();
    a.add(Gp.R8, field(FROM_STEP));
    a.dec(Gp.RDX);
    a.jump(Condition.NOT_EQUAL, tokens);
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

  /** Takes the part that begins at r12 into the total of the rows that see any of it. */
  private void emitMerge() {
    Gp row = Gp.R14;
    a.mov(row, 0);
    Label loop = a.loop();
    Label next = new Label();
    Label notFirst = new Label();
    rows.bound(Gp.RDX, row, END);
    a.cmp(Gp.RDX, Gp.R12);
    a.jump(Condition.LESS_OR_EQUAL, next);
    rows.bound(Gp.RAX, row, BEGIN);
    a.sub(Gp.RAX, Gp.R12);
    a.cmp(Gp.RAX, AttentionLayout.PART);
    a.jump(Condition.GREATER_OR_EQUAL, next);
    a.cmp(Gp.RAX, 0);
    a.jump(Condition.LESS, notFirst);
    rows.ofRow(Gp.RSI, row, PART, layout.stateStride());
    rows.ofRow(Gp.RDI, row, TOTAL, layout.stateStride());
    a.mov(Gp.RCX, layout.stateStride() / 4);
    a.repMovsd();
    a.jmp(next);
    a.bind(notFirst);
    rows.ofRow(Gp.RDI, row, PART, layout.stateStride());
    rows.ofRow(Gp.RSI, row, TOTAL, layout.stateStride());
    a.call(merge);
    a.bind(next);
    a.add(row, 1);
    a.cmp(row, field(ROWS));
    a.jump(Condition.LESS, loop);
  }

  /** Divides the totals by the sums of their exponentials. */
  private void emitResults() {
    Gp state = Gp.R12;
    Gp to = Gp.R13;
    Gp heads = Gp.R14;
    Gp left = Gp.R15;
    a.mov(state, field(TOTAL));
    a.mov(to, field(OUT));
    a.mov(heads, field(HEADS));
    a.mov(left, field(ROWS));
    Label loop = a.loop();
    Label sameToken = new Label();
    a.mov(Gp.RDI, state);
    a.mov(Gp.RSI, to);
    a.call(finish);
    a.add(state, layout.stateStride());
    a.add(to, layout.headBytes());
    a.dec(heads);
    a.jump(Condition.NOT_EQUAL, sameToken);
    a.mov(heads, field(HEADS));
    a.imul(Gp.RAX, heads, layout.headBytes());
    a.sub(to, Gp.RAX);
    a.add(to, field(OUT_STEP));
    a.bind(sameToken);
    a.dec(left);
    a.jump(Condition.NOT_EQUAL, loop);
  }
}
