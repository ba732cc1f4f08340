package io.ladon.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufHeaderTest {

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void readsEveryValueType(int version) throws Exception {
    GgufHeader header =
        GgufHeader.parse(
            Bytes.header(version, 0, 13)
                .key("u8", 0)
                .u8(200)
                .key("i8", 1)
                .u8(200)
                .key("u16", 2)
                .u16(60_000)
                .key("i16", 3)
                .u16(60_000)
                .key("u32", 4)
                .u32(-1)
                .key("i32", 5)
                .u32(-1)
                .key("f32", 6)
                .u32(0x3fc00000)
                .key("bool", 7)
                .u8(1)
                .key("string", 8)
                .string("häh")
                .array("array", 5, 2)
                .u32(7)
                .u32(-8)
                .key("u64", 10)
                .u64(-1)
                .key("i64", 11)
                .u64(-5)
                .key("f64", 12)
                .u64(0x3ff8000000000000L)
                .segment());
    assertThat(header.version()).isEqualTo(version);
    assertThat(header.metadata().keySet())
        .containsExactly(
            "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64",
            "f64");
    assertThat(header.integer("u8")).isEqualTo(200);
    assertThat(header.integer("i8")).isEqualTo(-56);
    assertThat(header.integer("u16")).isEqualTo(60_000);
    assertThat(header.integer("i16")).isEqualTo(-5_536);
    assertThat(header.integer("u32")).isEqualTo(4_294_967_295L);
    assertThat(header.integer("i32")).isEqualTo(-1);
    assertThat(header.number("f32", 0)).isEqualTo(1.5);
    assertThat(header.bool("bool", false)).isTrue();
    assertThat(header.string("string")).isEqualTo("häh");
    assertThat(header.ints("array")).containsExactly(7, -8);
    assertThat(header.get("u64")).isEqualTo(new BigInteger("18446744073709551615"));
    assertThat(header.integer("i64")).isEqualTo(-5);
    assertThat(header.number("f64")).isEqualTo(1.5);
    assertThat(header.integer("absent", 9)).isEqualTo(9);
    assertThat(header.string("absent", "x")).isEqualTo("x");
    assertThat(header.has("absent")).isFalse();
  }

  @Test
  void readsArraysOfEveryType() throws Exception {
    GgufHeader header =
        GgufHeader.parse(
            Bytes.header(3, 0, 8)
                .array("bytes", 1, 2)
                .u8(1, 255)
                .array("unsigned", 4, 1)
                .u32(-1)
                .array("longs", 11, 1)
                .u64(-3)
                .array("floats", 6, 1)
                .u32(0x40000000)
                .array("doubles", 12, 1)
                .u64(0x4000000000000000L)
                .array("bools", 7, 2)
                .u8(1, 0)
                .array("strings", 8, 3)
                .string("")
                .string("ab")
                .string("é")
                .array("nested", 9, 2)
                .u32(5)
                .u64(1)
                .u32(4)
                .u32(8)
                .u64(1)
                .string("x")
                .segment());
    assertThat(header.ints("bytes")).containsExactly(1, -1);
    assertThat(header.get("unsigned")).isEqualTo(new long[] {4_294_967_295L});
    assertThat(header.ints("longs")).containsExactly(-3);
    assertThat(header.floats("floats")).containsExactly(2);
    assertThat(header.floats("doubles")).containsExactly(2);
    assertThat(header.get("bools")).isEqualTo(new boolean[] {true, false});
    assertThat(header.strings("strings")).containsExactly("", "ab", "é");
    assertThat((List<?>) header.get("nested")).hasSize(2).last().isEqualTo(List.of("x"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> header.ints("unsigned"))
        .withMessageContaining("'unsigned'")
        .withMessageContaining("more than 32 bits");
  }

  @Test
  void readsTensorInfos() throws Exception {
    GgufHeader header =
        GgufHeader.parse(
            Bytes.header(3, 3, 0)
                .tensor("matrix", 2, 0, 64, 3)
                .tensor("vector", 0, 128, 5)
                .tensor("four", 1, 160, 8, 2, 1, 1)
                .segment());
    assertThat(header.tensors().values())
        .containsExactly(
            new TensorInfo("matrix", TensorType.Q4_0, 3, 64, 0),
            new TensorInfo("vector", TensorType.F32, 1, 5, 128),
            new TensorInfo("four", TensorType.F16, 2, 8, 160));
    assertThat(header.dataOffset() % 32).isZero();
    assertThat(header.dataLength()).isEqualTo(192);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> header.tensor("none"))
        .withMessageContaining("'none'");
  }

  @Test
  void alignsTheDataSection() throws Exception {
    GgufHeader header =
        GgufHeader.parse(
            Bytes.header(3, 1, 1)
                .key("general.alignment", 4)
                .u32(64)
                .tensor("t", 0, 64, 1)
                .segment());
    assertThat(header.alignment()).isEqualTo(64);
    assertThat(header.dataOffset()).isEqualTo(128);
  }

  @Test
  void passesOnAllButTheTokenizer() throws Exception {
    GgufWriter writer =
        new GgufWriter(2, 64)
            .putString("general.architecture", "llama")
            .putStrings("tokenizer.ggml.tokens", List.of("a", "b"))
            .putFloat("llama.rope.freq_base", 10_000)
            .putStrings("general.tags", List.of("x", "ü"))
            .vector("v", TensorType.F32, 3, out -> {})
            .matrix("m", TensorType.Q8_0, 2, 32, out -> {});
    GgufHeader header = GgufHeader.parse(MemorySegment.ofArray(writer.header()));
    byte[] encoded = header.encodeWithoutTokenizer();
    GgufHeader again = GgufHeader.parse(MemorySegment.ofArray(encoded));
    assertThat(again.metadata().keySet())
        .containsExactly(
            "general.alignment", "general.architecture", "llama.rope.freq_base", "general.tags");
    assertThat(again.strings("general.tags")).containsExactly("x", "ü");
    assertThat(again.tensors()).isEqualTo(header.tensors());
    assertThat(again.version()).isEqualTo(2);
    assertThat(again.encodeWithoutTokenizer()).isEqualTo(encoded);
    assertThat(again.fingerprint()).isEqualTo(header.fingerprint()).hasSize(64);
    assertThat(header.dataLength()).isEqualTo(64 + 68);
  }

  @Test
  void everyTruncationIsRefusedWithAByte() throws Exception {
    byte[] whole =
        Bytes.header(3, 1, 2)
            .array("k", 8, 2)
            .string("ab")
            .string("c")
            .key("n", 12)
            .u64(0)
            .tensor("t", 8, 0, 32, 2)
            .array();
    assertThat(GgufHeader.parse(MemorySegment.ofArray(whole)).tensors()).hasSize(1);
    for (int length = 0; length < whole.length; length++) {
      MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(whole, length));
      assertThatExceptionOfType(CheckpointException.class)
          .as("%d bytes", length)
          .isThrownBy(() -> GgufHeader.parse(cut))
          .withMessageStartingWith("byte ");
    }
  }

  @Test
  void refusesOtherVersionsByName() {
    refused(new Bytes().ascii("GGML").u32(3).zeros(16), "byte 0", "not a GGUF file");
    refused(Bytes.header(1, 0, 0), "byte 4", "version 1");
    refused(Bytes.header(4, 0, 0), "byte 4", "version 4");
    refused(Bytes.header(0x03000000, 0, 0), "byte 4", "big-endian", "version 3");
  }

  @Test
  void refusesFalseCounts() {
    refused(Bytes.header(3, Long.MAX_VALUE, 0), "byte 8", "number of tensors");
    refused(Bytes.header(3, -1, 0), "byte 8", "18446744073709551615");
    refused(Bytes.header(3, 0, 1L << 40), "byte 16", "number of metadata keys");
    refused(Bytes.header(3, 0, 1).u64(-1).zeros(99), "byte 24", "metadata key 0", "length");
    refused(
        Bytes.header(3, 0, 1).array("k", 6, 1L << 62).zeros(8),
        "byte 41",
        "'k'",
        "4611686018427387904");
    refused(
        Bytes.header(3, 0, 1).array("k", 8, 2).string("a").u64(1L << 33),
        "byte 58",
        "'k'",
        "8589934592");
  }

  @Test
  void refusesBadMetadata() {
    refused(Bytes.header(3, 0, 1).key("k", 13).zeros(9), "byte 33", "'k'", "type 13");
    refused(Bytes.header(3, 0, 1).key("k", 7).u8(2), "byte 37", "'k'", "boolean 2");
    refused(Bytes.header(3, 0, 2).key("k", 0).u8(2).key("k", 0).u8(2), "byte 38", "'k'", "twice");
    refused(Bytes.header(3, 0, 1).key("", 0).u8(2), "byte 24", "empty");
    refused(Bytes.header(3, 0, 1).key("k", 8).u64(2).u8(0xc3, 0x28), "byte 37", "'k'", "UTF-8");
    refused(
        Bytes.header(3, 0, 1).key("general.alignment", 4).u32(48),
        "byte 24",
        "'general.alignment'",
        "48");
    Bytes deep = Bytes.header(3, 0, 1).key("k", 9);
    for (int i = 0; i < 20; i++) {
      deep.u32(9).u64(1);
    }
    refused(deep.zeros(12), "'k'", "deeper than 8");
  }

  @Test
  void refusesBadTensors() {
    refused(tensor("t", 0, 1, 1, 0, 0), "byte 24", "'t'", "0 dimensions");
    refused(tensor("t", 5, 1, 1, 0, 0), "byte 24", "'t'", "5 dimensions");
    refused(tensor("t", 2, 0, 1, 0, 0), "byte 37", "dimension 0", "'t'", "is 0");
    refused(tensor("t", 2, 1, -1, 0, 0), "byte 45", "dimension 1", "18446744073709551615");
    refused(
        Bytes.header(3, 1, 0).string("t").u32(3).u64(1).u64(1).u64(2).u32(0).u64(0),
        "byte 53",
        "dimension 2",
        "'t'");
    refused(tensor("t", 2, 33, 1, 2, 0), "byte 24", "'t'", "33 columns", "Q4_0");
    refused(tensor("t", 2, 32, 1, 2, 5), "byte 57", "'t'", "is 5", "alignment 32");
    refused(tensor("t", 2, 32, 1, 2, -32), "byte 57", "'t'", "alignment 32");
    refused(tensor("t", 2, Integer.MAX_VALUE, Integer.MAX_VALUE, 0, 0), "byte 24", "'t'", "larger");
    refused(
        Bytes.header(3, 2, 0).tensor("a", 0, 0, 9).tensor("b", 0, 32, 8),
        "byte 128",
        "'b'",
        "'a'",
        "132");
    refused(
        Bytes.header(3, 2, 0).tensor("a", 0, 0, 9).tensor("a", 0, 64, 8),
        "byte 57",
        "'a'",
        "twice");
  }

  @ParameterizedTest
  @CsvSource({"16,IQ2_XXS", "10,Q2_K", "39,MXFP4", "24,I8", "31,Q4_0_4_4"})
  void refusesOtherTensorTypesByName(int number, String name) {
    refused(tensor("blk.0.w", 2, 256, 1, number, 0), "byte 59", "'blk.0.w'", number + "", name);
  }

  @Test
  void refusesUnknownTensorTypesByNumber() {
    refused(tensor("t", 2, 256, 1, 77, 0), "byte 53", "'t'", "type 77, which");
  }

  @Test
  void wrongTypesNameTheKey() throws Exception {
    GgufHeader header =
        GgufHeader.parse(Bytes.header(3, 0, 1).key("k", 8).string("text").segment());
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> header.integer("k"))
        .withMessage("byte 24: key 'k' is a string, not a whole number");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> header.integer("missing"))
        .withMessageContaining("'missing' is missing");
    assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> header.bool("k", true));
    assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> header.number("k", 1));
    assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> header.strings("k"));
    assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> header.floats("k"));
  }

  private static Bytes tensor(
      String name, int dimensions, long columns, long rows, int type, long offset) {
    return Bytes.header(3, 1, 0)
        .string(name)
        .u32(dimensions)
        .u64(columns)
        .u64(rows)
        .u32(type)
        .u64(offset);
  }

  private static void refused(Bytes bytes, String... parts) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> GgufHeader.parse(bytes.segment()))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }
}
