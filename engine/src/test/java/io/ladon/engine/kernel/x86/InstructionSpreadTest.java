package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;
import static io.ladon.engine.kernel.x86.Vector.zmm;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class InstructionSpreadTest {

  @Test
  void spreadsInstructionsEvenlyAmongVectorInstructions() {
    Assembler a = new Assembler();
    a.spread(
        List.of(() -> a.prefetcht0(at(Gp.RDI, 0)), () -> a.prefetcht1(at(Gp.RSI, 64))),
        () -> {
          for (int i = 0; i < 4; i++) {
            a.vpaddd(ymm(i), ymm(i), ymm(5));
            a.add(Gp.RAX, 1); // not counted
          }
        });
    a.vpaddd(ymm(4), ymm(4), ymm(5));
    Assembler expected = new Assembler();
    for (int i = 0; i < 4; i++) {
      if (i == 0) {
        expected.prefetcht0(at(Gp.RDI, 0));
      } else if (i == 2) {
        expected.prefetcht1(at(Gp.RSI, 64));
      }
      expected.vpaddd(ymm(i), ymm(i), ymm(5));
      expected.add(Gp.RAX, 1);
    }
    expected.vpaddd(ymm(4), ymm(4), ymm(5));
    assertThat(a.toBytes()).isEqualTo(expected.toBytes());
  }

  @Test
  void spreadsMoreInstructionsThanThereAreOthers() {
    Assembler a = new Assembler();
    a.spread(
        Collections.nCopies(3, () -> a.prefetcht0(at(Gp.RDI, 0))),
        () -> a.vpaddd(zmm(1), zmm(1), zmm(20)));
    Assembler expected = new Assembler();
    expected.prefetcht0(at(Gp.RDI, 0));
    expected.vpaddd(zmm(1), zmm(1), zmm(20));
    expected.prefetcht0(at(Gp.RDI, 0));
    expected.prefetcht0(at(Gp.RDI, 0));
    assertThat(a.toBytes()).isEqualTo(expected.toBytes());
  }
}
