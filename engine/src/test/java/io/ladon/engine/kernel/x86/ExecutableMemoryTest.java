package io.ladon.engine.kernel.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ExecutableMemoryTest {

  @BeforeAll
  static void runsOnLinuxOnly() {
    String obstacle = MachineCode.systemObstacle();
    assumeTrue(obstacle.isEmpty(), obstacle);
  }

  @Test
  void runsWhatIsLoaded() throws IOException {
    Assembler a = new Assembler();
    a.mov(Gp.RAX, 42);
    a.mov(Memory.at(Gp.RDI, 8), Gp.RAX);
    a.ret();
    try (ExecutableMemory code = ExecutableMemory.load(a.toBytes());
        Arena arena = Arena.ofConfined()) {
      MemorySegment parameters = arena.allocate(16, 8);
      ExecutableMemory.call(code.function(0), parameters.address());
      assertThat(parameters.getAtIndex(ValueLayout.JAVA_LONG, 1)).isEqualTo(42);
    }
  }

  @Test
  void saysWhatTheSystemRefuses() {
    assertThatThrownBy(() -> ExecutableMemory.load(new byte[0]))
        .isInstanceOf(IOException.class)
        .hasMessage("the system refuses memory for code (error number 22)");
  }
}
