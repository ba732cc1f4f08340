package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.memory.FetchDistance;
import java.util.ArrayList;
import java.util.List;

/**
 * The loops of a product, the same in every tier: panels; for each the token tiles, so that a panel
 * is read from memory once; for each the tiles of the panel in order, with the leaves and their
 * tree.
 */
final class ProductCode {

  // How far ahead weights are fetched. The CPU's own fetching follows headers and quants badly: on
  // a Zen 4 one token reads weights twice as quickly with this. No distance to the L2 cache is a
  // multiple of 4096, which would be the same set of the caches.

  /** 10 to 30 % more on a Zen 4 than with the L1 cache only. */
  static final FetchDistance USUAL = new FetchDistance(320, 10240);

  /**
   * Where the CPU itself is better at it. With one or two tokens loads follow each other so quickly
   * that a Zen 4 fetches the rest of their page from memory; what the code fetches beyond that page
   * disturbs it. One thread reads a third more with this, two a tenth; from three tokens on up to a
   * third less.
   */
  static final FetchDistance WITHIN_PAGE = new FetchDistance(320, 1536);

  /**
   * Where memory answers late: on a Xeon 3 to 9 % more with most types, and up to a quarter more
   * where the system refuses huge pages.
   */
  static final FetchDistance DEEP = new FetchDistance(4160, 28736);

  /**
   * To the L1 cache only what is about to be read. A Zen 5 reads 2 to 4 % more with this with one
   * or two tokens, of weights of 5 bits and more.
   */
  static final FetchDistance TO_L2 = new FetchDistance(0, 4160);

  /**
   * Bytes of two panels at most of which one is fetched while the other is multiplied, or of a pair
   * that is fetched while the one before is: all of it stays in the L2 cache, beside activations.
   * With {@link #USUAL} within a pair the begin of each second panel would be unfetched; 5 to 9 %
   * less on a Zen 5, where panels have 4096 columns.
   */
  private static final int AHEAD_BYTES = 320 << 10;

  private final Assembler a;

  ProductCode(Assembler assembler) {
    this.a = assembler;
  }

  /** {@link Parameters#PAIR_AHEAD} for panels of so many bytes. */
  static long pairAhead(long panelBytes) {
    return fetchesNext(panelBytes) ? 2 * panelBytes : USUAL.farBytes();
  }

  /** Whether the panel that follows one of so many bytes may be fetched meanwhile. */
  static boolean fetchesNext(long panelBytes) {
    return 2 * panelBytes <= AHEAD_BYTES;
  }

  /**
   * The function: walks panels and token tiles.
   *
   * @param ofMany whether there is code for many tokens
   */
  void emitFunction(Tier tier, Format format, boolean ofMany) {
    for (Gp register : Registers.SAVED) {
      a.push(register);
    }
    a.mov(Registers.PARAMETERS, Gp.RDI);
    a.mov(Registers.PANEL, at(Registers.PARAMETERS, Parameters.WEIGHTS));
    a.mov(Registers.ROW_BYTES, 0);
    if (tier.unpacks(format)) {
      Avx2UnpackCode unpack = new Avx2UnpackCode(a, format);
      emitPanels(1, Parameters.MANY_END, Parameters.MANY_CODE, unpack::emitPanel);
      tier.constants(a, format);
    } else {
      tier.constants(a, format);
      if (ofMany) {
        emitPanels(2, Parameters.MANY_END, Parameters.MANY_CODE, () -> {});
      }
    }
    emitPanels(1, Parameters.WEIGHTS_END, Parameters.CODE, () -> aimAtNextPanel(a));
    a.vzeroupper();
    for (int i = Registers.SAVED.length - 1; i >= 0; i--) {
      a.pop(Registers.SAVED[i]);
    }
    a.ret();
  }

  /**
   * Walks panels.
   *
   * @param together how many go together
   * @param end parameter that says where they end, which may be here
   * @param code of the entry of a token tile
   * @param first emits what is done once for all tokens
   */
  private void emitPanels(int together, int end, int code, Runnable first) {
    Label done = new Label();
    Label panels = a.loop();
    a.cmp(Registers.PANEL, at(Registers.PARAMETERS, end));
    a.jump(Condition.EQUAL, done);
    first.run();
    a.mov(Registers.TOKENS, at(Registers.PARAMETERS, Parameters.TOKENS));
    Label tokens = a.loop();
    a.call(at(Registers.TOKENS, code));
    a.add(Registers.TOKENS, Parameters.TOKENS_ENTRY);
    a.cmp(Registers.TOKENS, at(Registers.PARAMETERS, Parameters.TOKENS_END));
    a.jump(Condition.NOT_EQUAL, tokens);
    for (int p = 0; p < together; p++) {
      a.add(Registers.PANEL, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
    }
    a.add(Registers.ROW_BYTES, 64 * together);
    a.jmp(panels);
    a.bind(done);
  }

  /** Tiles of tokens that share the fetching begin it with the next panel. */
  static void aimAtNextPanel(Assembler a) {
    a.mov(Registers.AHEAD, Registers.PANEL);
    a.add(Registers.AHEAD, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
  }

  /**
   * The code that the function calls for {@code tokens} tokens: the sums of panels.
   *
   * @param shares whether the tiles of tokens, of which there are several, each fetch a share of
   *     the next panel; it is so where panels are unpacked
   */
  void emitTile(Format format, int tokens, TileArithmetic sums, boolean shares) {
    boolean unpacked = sums.unpacked(); // has no headers, and is in a cache
    int quantBytes = unpacked ? format.unpackedBytes() : format.quantBytes();
    for (int p = 0; p < sums.panels(); p++) {
      Gp header = Registers.HEADERS[p];
      if (unpacked) {
        a.mov(header, at(Registers.PARAMETERS, Parameters.UNPACKED));
      } else {
        a.mov(header, Registers.PANEL);
      }
      if (p > 0) {
        a.add(header, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
      }
    }
    boolean pair = sums.panels() == 2;
    if (!shares) {
      a.mov(Registers.AHEADS[0], Registers.HEADERS[0]);
      a.mov(Registers.AHEADS[1], Registers.HEADERS[pair ? 1 : 0]);
      int near = pair ? Parameters.PAIR_AHEAD : Parameters.NEAR_AHEAD;
      int far = pair ? Parameters.PAIR_AHEAD : Parameters.FAR_AHEAD;
      a.add(Registers.AHEADS[0], at(Registers.PARAMETERS, near));
      a.add(Registers.AHEADS[1], at(Registers.PARAMETERS, far));
    }
    a.mov(Registers.ACTIVATIONS, at(Registers.TOKENS, Parameters.ACTIVATIONS));
    a.mov(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE));
    a.mov(Registers.STACK, at(Registers.PARAMETERS, Parameters.STACK));
    sums.clear();
    Label tiles = a.loop();
    a.mov(Registers.COUNT, at(Registers.SCHEDULE, Parameters.BLOCKS));
    for (int p = 0; p < sums.panels(); p++) {
      a.mov(Registers.QUANTS_OF[p], Registers.HEADERS[p]);
      if (!unpacked) {
        a.add(Registers.QUANTS_OF[p], at(Registers.SCHEDULE, Parameters.HEADER_BYTES));
      }
    }
    sums.beginTile();
    if (format.isSuperBlock() && !shares) {
      fetches(Format.SUPER_HEADER, pair).forEach(Runnable::run);
      emitAdvance(Format.SUPER_HEADER);
    }
    Label blocks = a.loop();
    if (shares) {
      a.spread(shareOfFetches(format), sums::addBlock);
      a.add(Registers.AHEAD, at(Registers.PARAMETERS, Parameters.FETCH_STEP));
    } else {
      a.spread(fetches(quantBytes + format.blockHeader(), pair), sums::addBlock);
      emitAdvance(quantBytes + format.blockHeader());
    }
    for (int p = 0; p < sums.panels(); p++) {
      a.add(Registers.HEADERS[p], format.blockHeader());
      a.add(Registers.QUANTS_OF[p], quantBytes);
    }
    a.add(Registers.ACTIVATIONS, format.recordBytes() * tokens);
    a.dec(Registers.COUNT);
    a.jump(Condition.NOT_EQUAL, blocks);
    for (int p = 0; p < sums.panels(); p++) {
      a.mov(Registers.HEADERS[p], Registers.QUANTS_OF[p]); // the next begins where the quants end
    }
    emitClosing(sums);
    a.add(Registers.SCHEDULE, Parameters.SCHEDULE_ENTRY);
    a.cmp(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE_END));
    a.jump(Condition.NOT_EQUAL, tiles);
    emitResults(tokens, sums);
    a.ret();
  }

  /**
   * Instructions that fetch as many bytes in the order of memory. Of a panel alone what is near to
   * the L1 cache and what is far to the L2 cache, the far first: on a Zen 3 up to 3 % more with one
   * token than the other way round. Of a pair both to the L2 cache; the CPU follows from there to
   * the L1 cache by itself, as each panel is walked many times.
   *
   * <p>Each holds one of a core's few buffers for lines on their way. All of a block's at once find
   * none free, and what waits for one keeps the products behind it from being finished; so they are
   * to be spread among these.
   */
  private List<Runnable> fetches(int bytes, boolean pair) {
    List<Runnable> fetches = new ArrayList<>();
    for (int line = 0; line < bytes; line += 64) {
      Memory far = at(Registers.AHEADS[1], line);
      fetches.add(() -> a.prefetcht1(far));
    }
    for (int line = 0; line < bytes; line += 64) {
      Memory near = at(Registers.AHEADS[0], line);
      fetches.add(pair ? () -> a.prefetcht1(near) : () -> a.prefetcht0(near));
    }
    return fetches;
  }

  private void emitAdvance(int bytes) {
    for (Gp ahead : Registers.AHEADS) {
      a.add(ahead, bytes);
    }
  }

  /**
   * Instructions that fetch the next panel to the L2 cache, a share of it with each block of each
   * tile of tokens, so that memory is read all the while.
   */
  private List<Runnable> shareOfFetches(Format format) {
    List<Runnable> fetches = new ArrayList<>();
    for (int line = 0; line < format.sharedBytes(); line += 64) {
      Memory next = at(Registers.AHEAD, line);
      fetches.add(() -> a.prefetcht1(next));
    }
    return fetches;
  }

  /** At the end of a leaf adds the sums on the stack that are due, and pushes the result. */
  private void emitClosing(TileArithmetic sums) {
    Label goOn = new Label();
    Label push = new Label();
    a.mov(Registers.COUNT, at(Registers.SCHEDULE, Parameters.CLOSING));
    a.test(Registers.COUNT, Registers.COUNT);
    a.jump(Condition.EQUAL, goOn);
    Label merges = new Label();
    a.bind(merges);
    a.dec(Registers.COUNT);
    a.jump(Condition.EQUAL, push);
    a.sub(Registers.STACK, sums.sumsBytes());
    sums.addStack();
    a.jmp(merges);
    a.bind(push);
    sums.push();
    a.add(Registers.STACK, sums.sumsBytes());
    sums.clear();
    a.bind(goOn);
  }

  /** Copies the roots, which are what is left on the stack, to the results. */
  private void emitResults(int tokens, TileArithmetic sums) {
    Gp out = Gp.R8;
    Gp target = Gp.R9;
    Gp step = Gp.R10;
    Gp offset = Gp.R11;
    a.mov(Registers.STACK, at(Registers.PARAMETERS, Parameters.STACK));
    a.mov(out, at(Registers.PARAMETERS, Parameters.OUTS));
    Label roots = new Label();
    a.bind(roots);
    a.mov(target, at(out, Parameters.OUT));
    a.mov(step, at(out, Parameters.OUT_STEP));
    a.mov(offset, at(Registers.TOKENS, Parameters.FIRST_TOKEN));
    a.imul(offset, step);
    a.add(target, offset);
    a.add(target, Registers.ROW_BYTES);
    Label partial = new Label();
    Label written = new Label();
    a.mov(offset, at(Registers.PARAMETERS, Parameters.ROW_BITS));
    a.cmp(offset, Parameters.ALL_ROWS);
    a.jump(Condition.NOT_EQUAL, partial);
    emitWrites(tokens, sums, target, step, true);
    a.jmp(written);
    a.bind(partial);
    emitWrites(tokens, sums, target, step, false);
    a.bind(written);
    a.add(Registers.STACK, sums.sumsBytes());
    a.add(out, Parameters.OUT_ENTRY);
    a.cmp(out, at(Registers.PARAMETERS, Parameters.OUTS_END));
    a.jump(Condition.NOT_EQUAL, roots);
  }

  private void emitWrites(int tokens, TileArithmetic sums, Gp target, Gp step, boolean allRows) {
    for (int token = 0; token < tokens; token++) {
      sums.write(token, target, allRows);
      a.add(target, step);
    }
  }
}
