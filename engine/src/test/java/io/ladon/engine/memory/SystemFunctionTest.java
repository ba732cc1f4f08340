package io.ladon.engine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class SystemFunctionTest {

  @Test
  void takesAndReturnsNumbersOfAnyWidth() {
    assertThat(function("abs").call(-5).number()).isEqualTo(5);
    assertThat(function("labs").call(-5L << 40).value()).isEqualTo(5L << 40);
    assertThat(function("getpid").call().number()).isEqualTo(ProcessHandle.current().pid());
  }

  @Test
  void takesAddresses() {
    try (Arena arena = Arena.ofConfined()) {
      long text = arena.allocateFrom("hydra").address();
      assertThat(function("strlen").call(text).value()).isEqualTo(5);
    }
  }

  @Test
  void hasTheSystemsErrorNumber() {
    SystemFunction.Result result = function("close").call(-1);
    assertThat(result.number()).isEqualTo(-1);
    assertThat(result.errorNumber()).isEqualTo(9); // EBADF, of every Unix
  }

  @Test
  void refusesWhatNoRegisterIsFor() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> function("abs").call(1, 2, 3, 4, 5, 6, 7))
        .withMessage("7 arguments, more than 6");
  }

  @Test
  void isAbsentWhereTheSystemHasNone() {
    assertThat(SystemFunction.find("no_such_function")).isEmpty();
  }

  private static SystemFunction function(String name) {
    return SystemFunction.find(name).orElseThrow();
  }
}
