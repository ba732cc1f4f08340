package io.ladon.realmodel;

import io.ladon.cli.catalogue.ModelStore;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufWriter;
import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorType;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A model of the catalogue that has expected values. */
enum RealModel {
  SMOLLM2("smollm2-135m-instruct"),
  GEMMA3("gemma-3-270m");

  private final String catalogueName;

  RealModel(String catalogueName) {
    this.catalogueName = catalogueName;
  }

  /** The file as published; fetched if this machine has not got it yet. */
  GgufFile open() throws IOException, InterruptedException {
    return GgufFile.open(ModelStore.current().resolve(catalogueName));
  }

  /** Name of its expected values. */
  String dataName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Writes a file again with every tensor decoded to F32, and of the metadata what a rank reads.
   */
  static void writeF32(GgufFile file, Path target) throws IOException {
    GgufWriter writer = new GgufWriter();
    String architecture = file.header().string("general.architecture");
    writer.putString("general.architecture", architecture);
    for (Map.Entry<String, Object> pair : file.header().metadata().entrySet()) {
      if (pair.getKey().startsWith(architecture + ".")) {
        put(writer, pair.getKey(), pair.getValue());
      }
    }
    for (TensorInfo tensor : file.header().tensors().values()) {
      GgufWriter.Content content = out -> decode(file, tensor, out);
      if (tensor.rows() == 1) {
        writer.vector(tensor.name(), TensorType.F32, tensor.columns(), content);
      } else {
        writer.matrix(tensor.name(), TensorType.F32, tensor.rows(), tensor.columns(), content);
      }
    }
    writer.write(target);
  }

  /** SHA-256 of all tensors' elements as F32, in the order of the tensors' names. */
  static String decodedSha256(GgufFile file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
        for (TensorInfo tensor : new TreeMap<>(file.header().tensors()).values()) {
          decode(file, tensor, out);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static void decode(GgufFile file, TensorInfo tensor, OutputStream out)
      throws IOException {
    MemorySegment encoded = file.slice(tensor.whole());
    float[] row = new float[tensor.columns()];
    ByteBuffer bytes = ByteBuffer.allocate(row.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int r = 0; r < tensor.rows(); r++) {
      TensorDecoder.decode(tensor.type(), encoded, r * tensor.rowBytes(), row, 0, row.length);
      bytes.asFloatBuffer().put(row);
      out.write(bytes.array());
    }
  }

  private static void put(GgufWriter writer, String key, Object value) {
    switch (value) {
      case String text -> writer.putString(key, text);
      case Long number -> writer.putInt(key, Math.toIntExact(number));
      case Float number -> writer.putFloat(key, number);
      case Boolean truth -> writer.putBool(key, truth);
      default -> throw new IllegalArgumentException(key + " is a " + value.getClass());
    }
  }
}
