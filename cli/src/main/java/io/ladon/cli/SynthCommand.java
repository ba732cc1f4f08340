package io.ladon.cli;

import io.ladon.engine.synth.SyntheticModel;
import io.ladon.engine.synth.SyntheticShapes;
import io.ladon.engine.synth.TensorTypes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A random-weight model. */
@Command(
    name = "synth",
    description = "Writes a random-weight model of a well-known shape, for measuring.",
    sortOptions = false)
final class SynthCommand implements Callable<Integer> {

  /** The shapes, for the help text. */
  static final class Shapes implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return SyntheticShapes.all().keySet().iterator();
    }
  }

  /** The types, for the help text. */
  static final class Types implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return TensorTypes.names().iterator();
    }
  }

  @Option(
      names = "--shape",
      required = true,
      completionCandidates = Shapes.class,
      description = "one of: ${COMPLETION-CANDIDATES}")
  String shape = "";

  @Option(
      names = "--type",
      completionCandidates = Types.class,
      defaultValue = "q4_0",
      description = "tensor type, one of: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  String type = "";

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "the same seed writes the same file (default: ${DEFAULT-VALUE})")
  long seed;

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "the GGUF file to write")
  Path out = Path.of("");

  @Override
  public Integer call() throws Exception {
    SyntheticModel.write(SyntheticShapes.of(shape), TensorTypes.named(type), seed, out);
    System.out.printf("%s: %d bytes%n", out, Files.size(out));
    return 0;
  }
}
