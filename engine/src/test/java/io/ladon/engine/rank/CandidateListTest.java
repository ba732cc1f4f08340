package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidateListTest {

  @Test
  void keepsTheBestByLogitThenId() {
    Random random = new Random(5);
    CandidateList list = new CandidateList(40);
    for (int round = 0; round < 300; round++) {
      int count = 1 + random.nextInt(40);
      float[] logits = new float[random.nextInt(200)];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.nextInt(15) - 7; // many alike
      }
      list.begin(count);
      for (int i = 0; i < logits.length; i += 50) {
        float[] some = Arrays.copyOfRange(logits, i, i + 50);
        list.add(i, some, Math.min(50, logits.length - i));
      }
      List<Integer> expected =
          IntStream.range(0, logits.length)
              .boxed()
              .sorted(Comparator.<Integer, Float>comparing(i -> -logits[i]).thenComparing(i -> i))
              .limit(count)
              .toList();
      assertThat(list.ids()).containsExactly(expected.toArray(Integer[]::new));
      for (int i = 0; i < expected.size(); i++) {
        assertThat(list.logits()[i]).isEqualTo(logits[expected.get(i)]);
      }
    }
  }
}
