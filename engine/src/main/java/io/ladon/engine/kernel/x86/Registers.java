package io.ladon.engine.kernel.x86;

/**
 * Who holds what while {@link ProductCode} runs.
 *
 * <table>
 *   <caption>General-purpose registers</caption>
 *   <tr><td>r15</td><td>parameters</td></tr>
 *   <tr><td>rbp</td><td>panel of weights</td></tr>
 *   <tr><td>r14</td><td>bytes from the first row to the panel's in a result</td></tr>
 *   <tr><td>r13</td><td>entry of the token tile</td></tr>
 *   <tr><td>rbx</td><td>entry of the schedule</td></tr>
 *   <tr><td>rsi</td><td>header of the tile, at the block</td></tr>
 *   <tr><td>rdi</td><td>quants of the block</td></tr>
 *   <tr><td>rax</td><td>activations of the block</td></tr>
 *   <tr><td>rdx</td><td>top of the stack of sums</td></tr>
 *   <tr><td>rcx</td><td>blocks or merges to go</td></tr>
 *   <tr><td>r12, r11</td><td>weights to be fetched ahead: near and far, or of either panel</td></tr>
 *   <tr><td>r8</td><td>header of the tile, at its begin, where a tier needs it</td></tr>
 *   <tr><td>r9, r10</td><td>header and quants of a second panel that goes together with the
 *       first</td></tr>
 *   <tr><td>r8-r11</td><td>at the end: the results</td></tr>
 * </table>
 */
final class Registers {

  static final Gp PARAMETERS = Gp.R15;
  static final Gp PANEL = Gp.RBP;
  static final Gp ROW_BYTES = Gp.R14;
  static final Gp TOKENS = Gp.R13;
  static final Gp SCHEDULE = Gp.RBX;
  static final Gp HEADER = Gp.RSI;
  static final Gp QUANTS = Gp.RDI;
  static final Gp ACTIVATIONS = Gp.RAX;
  static final Gp STACK = Gp.RDX;
  static final Gp COUNT = Gp.RCX;

  static final Gp TILE_HEADER = Gp.R8;

  static final Gp AHEAD = Gp.R12;

  /** Where weights are fetched ahead: of one panel near and far, of a pair of each. */
  static final Gp[] AHEADS = {AHEAD, Gp.R11};

  // Of the panels that go together, in order.

  static final Gp[] HEADERS = {HEADER, Gp.R9};
  static final Gp[] QUANTS_OF = {QUANTS, Gp.R10};

  /** What a function must leave as it found it. */
  static final Gp[] SAVED = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

  private Registers() {}
}
