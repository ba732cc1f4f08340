package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CoordinatorCommandTest {

  @Test
  void countsTheAddressesOfAName() throws Exception {
    assertThat(CoordinatorCommand.addresses("127.0.0.1")).isEqualTo(1);
  }

  @Test
  void saysWhichNameNobodyKnows() {
    assertThatThrownBy(() -> CoordinatorCommand.addresses("[no-address"))
        .isInstanceOf(IOException.class)
        .hasMessage("--workers-from: nobody knows '[no-address'");
  }
}
