package io.ladon.engine.kernel.x86;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;

/**
 * What this CPU can do and the system lets it do, by the CPU's own word: CPUID for instructions,
 * XGETBV for the registers that the system saves.
 *
 * @param present features that can be used
 * @param isIntel whether the CPU says that Intel made it
 */
record CpuFeatures(Set<CpuFeatures.Feature> present, boolean isIntel) {

  /** Names as {@code /proc/cpuinfo} has them. */
  enum Feature {
    AVX2,
    FMA,
    F16C,
    CLFLUSHOPT,
    AVX_VNNI,
    AVX512F,
    AVX512BW,
    AVX512VL,
    AVX512_VNNI,
    AMX_TILE,
    AMX_BF16
  }

  private static final long YMM_STATE = 0b110; // SSE and AVX
  private static final long ZMM_STATE = 0b1110_0110; // the same, masks, zmm and zmm 16-31

  private static final long TILE_STATE = 0b11L << 17; // shapes and tiles

  private static final long[] GENUINE_INTEL = {0x756E6547, 0x6C65746E, 0x49656E69}; // ebx, ecx, edx

  /**
   * Asks the CPU.
   *
   * @throws IOException if the system refuses executable memory
   */
  static CpuFeatures detect() throws IOException {
    Assembler a = new Assembler();
    emitCpuid(a);
    int xgetbv = a.code().size();
    emitXgetbv(a);
    try (ExecutableMemory code = ExecutableMemory.load(a.toBytes());
        Arena arena = Arena.ofConfined()) {
      MemorySegment registers = arena.allocate(4 * 8, 8);
      MemorySegment cpuid = code.function(0);
      Set<Feature> features = EnumSet.noneOf(Feature.class);
      boolean isIntel = true;
      for (int register = EBX; register <= EDX; register++) {
        isIntel &= ask(cpuid, registers, 0, register) == GENUINE_INTEL[register - EBX];
      }
      if (ask(cpuid, registers, 0, EAX) < 7) {
        return new CpuFeatures(features, isIntel);
      }
      long leaf1 = ask(cpuid, registers, 1, ECX);
      if (!bit(leaf1, 27) || !bit(leaf1, 28)) { // XGETBV, AVX
        return new CpuFeatures(features, isIntel);
      }
      long leaf7 = ask(cpuid, registers, 7, EBX);
      long leaf7c = ask(cpuid, registers, 7, ECX);
      long leaf7d = ask(cpuid, registers, 7, EDX);
      add(features, Feature.CLFLUSHOPT, bit(leaf7, 23));
      ExecutableMemory.call(code.function(xgetbv), registers.address());
      long saved = registers.getAtIndex(ValueLayout.JAVA_LONG, 0);
      if ((saved & YMM_STATE) == YMM_STATE) {
        add(features, Feature.FMA, bit(leaf1, 12));
        add(features, Feature.F16C, bit(leaf1, 29));
        add(features, Feature.AVX2, bit(leaf7, 5));
        boolean more = ask(cpuid, registers, 7, 0, EAX) >= 1;
        add(features, Feature.AVX_VNNI, more && bit(ask(cpuid, registers, 7, 1, EAX), 4));
      }
      if ((saved & ZMM_STATE) == ZMM_STATE) {
        add(features, Feature.AVX512F, bit(leaf7, 16));
        add(features, Feature.AVX512BW, bit(leaf7, 30));
        add(features, Feature.AVX512VL, bit(leaf7, 31));
        add(features, Feature.AVX512_VNNI, bit(leaf7c, 11));
      }
      if ((saved & TILE_STATE) == TILE_STATE) {
        add(features, Feature.AMX_TILE, bit(leaf7d, 24));
        add(features, Feature.AMX_BF16, bit(leaf7d, 22));
      }
      return new CpuFeatures(features, isIntel);
    }
  }

  // Where emitCpuid leaves the registers.
  private static final int EAX = 0;
  private static final int EBX = 1;
  private static final int ECX = 2;
  private static final int EDX = 3;

  private static long ask(MemorySegment cpuid, MemorySegment registers, int leaf, int register) {
    return ask(cpuid, registers, leaf, 0, register);
  }

  private static long ask(
      MemorySegment cpuid, MemorySegment registers, int leaf, int subLeaf, int register) {
    registers.setAtIndex(ValueLayout.JAVA_LONG, 0, leaf);
    registers.setAtIndex(ValueLayout.JAVA_LONG, 1, subLeaf);
    ExecutableMemory.call(cpuid, registers.address());
    return registers.getAtIndex(ValueLayout.JAVA_LONG, register);
  }

  private static boolean bit(long register, int number) {
    return (register >>> number & 1) != 0;
  }

  private static void add(Set<Feature> features, Feature feature, boolean present) {
    if (present) {
      features.add(feature);
    }
  }

  /** From (leaf, sub-leaf) to (eax, ebx, ecx, edx), 8 bytes each. */
  private static void emitCpuid(Assembler a) {
    a.push(Gp.RBX); // the caller's
    a.mov(Gp.RAX, Memory.at(Gp.RDI, 0));
    a.mov(Gp.RCX, Memory.at(Gp.RDI, 8));
    a.cpuid();
    a.mov(Memory.at(Gp.RDI, 0), Gp.RAX);
    a.mov(Memory.at(Gp.RDI, 8), Gp.RBX);
    a.mov(Memory.at(Gp.RDI, 16), Gp.RCX);
    a.mov(Memory.at(Gp.RDI, 24), Gp.RDX);
    a.pop(Gp.RBX);
    a.ret();
  }

  /** To (eax): the state that the system saves. */
  private static void emitXgetbv(Assembler a) {
    a.mov(Gp.RCX, 0);
    a.xgetbv();
    a.mov(Memory.at(Gp.RDI, 0), Gp.RAX);
    a.ret();
  }
}
