package io.ladon.worker.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Drainable;
import io.ladon.proto.ExchangeFrame;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames are encoded as generated code does it, and decoded from what it writes. */
class FrameCodecTest {

  @Property
  void writesWhatGeneratedCodeWrites(
      @ForAll long epoch,
      @ForAll long step,
      @ForAll int layer,
      @ForAll @IntRange(min = 0, max = 300) int point,
      @ForAll @IntRange(min = 0, max = 1000) int rank,
      @ForAll long offset,
      @ForAll long total,
      @ForAll byte[] payload)
      throws IOException {
    Frame frame = frame(epoch, step, layer, point, rank, offset, total, payload);
    byte[] expected = generated(frame, payload).toByteArray();
    FrameMarshaller marshaller = new FrameMarshaller();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    InputStream stream = marshaller.stream(frame);
    assertThat(stream.available()).isEqualTo(expected.length);
    assertThat(((Drainable) stream).drainTo(out)).isEqualTo(expected.length);
    assertThat(out.toByteArray()).isEqualTo(expected);
    assertThat(marshaller.stream(frame).readAllBytes()).isEqualTo(expected);
    ByteArrayOutputStream single = new ByteArrayOutputStream();
    InputStream again = marshaller.stream(frame);
    for (int b = again.read(); b >= 0; b = again.read()) {
      single.write(b);
    }
    assertThat(single.toByteArray()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 1000, 65_500, 65_536, 200_001, Peer.FRAME_BYTES})
  void readsWhatGeneratedCodeWrites(int size) throws IOException {
    byte[] payload = new byte[size];
    new Random(size).nextBytes(payload);
    Frame sent = frame(3, 1L << 40, -1, 2, 4, 17, 1L << 33, payload);
    Frame got =
        new FrameMarshaller()
            .parse(new ByteArrayInputStream(generated(sent, payload).toByteArray()));
    assertThat(got.epoch).isEqualTo(3);
    assertThat(got.step).isEqualTo(1L << 40);
    assertThat(got.layer).isEqualTo(-1);
    assertThat(got.point).isEqualTo(2);
    assertThat(got.rank).isEqualTo(4);
    assertThat(got.offset).isEqualTo(17);
    assertThat(got.total).isEqualTo(1L << 33);
    assertThat(got.payloadBytes).isEqualTo(size);
    MemorySegment target = Arena.ofAuto().allocate(size + 8L);
    got.copyPayload(target, 8);
    assertThat(target.asSlice(8).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(payload);
  }

  @Test
  void anIntroductionHasOnlyEpochAndRank() throws IOException {
    FrameMarshaller marshaller = new FrameMarshaller();
    Frame introduction = frame(9, 0, 0, 0, 1, 0, 0, new byte[0]);
    InputStream kept = marshaller.stream(introduction);
    marshaller.stream(frame(1, 2, 3, 4, 5, 6, 7, new byte[] {1})); // does not disturb the first
    Frame got = marshaller.parse(kept);
    assertThat(got.isIntroduction()).isTrue();
    assertThat(got.epoch).isEqualTo(9);
    assertThat(got.rank).isEqualTo(1);
  }

  @Test
  void refusesWhatIsNoFrame() {
    FrameMarshaller marshaller = new FrameMarshaller();
    assertThatThrownBy(() -> marshaller.parse(new ByteArrayInputStream(new byte[] {0x0A, 0})))
        .hasMessageContaining("tag 10 at byte 0");
    assertThatThrownBy(() -> marshaller.parse(new ByteArrayInputStream(new byte[] {8, -1})))
        .hasMessageContaining("does not end");
    assertThatThrownBy(() -> marshaller.parse(new ByteArrayInputStream(new byte[] {0x42, 5, 1})))
        .hasMessageContaining("payload of 5 bytes, but 1 follow");
  }

  @Test
  void noticesAPayloadThatEndsEarly() {
    byte[] whole =
        generated(frame(1, 1, 0, 0, 0, 0, 100_000, new byte[100_000]), new byte[100_000])
            .toByteArray();
    InputStream cut =
        new SequenceInputStream(
            new ByteArrayInputStream(whole, 0, 70_000),
            new InputStream() {
              @Override
              public int read() {
                return -1;
              }

              @Override
              public int available() {
                return whole.length - 70_000;
              }
            });
    assertThatThrownBy(() -> new FrameMarshaller().parse(cut))
        .hasMessageContaining("but"); // the length is checked against what is there
  }

  private static Frame frame(
      long epoch,
      long step,
      int layer,
      int point,
      int rank,
      long offset,
      long total,
      byte[] payload) {
    Frame frame = new Frame();
    frame.epoch = epoch;
    frame.step = step;
    frame.layer = layer;
    frame.point = point;
    frame.rank = rank;
    frame.offset = offset;
    frame.total = total;
    frame.payload = Arena.ofAuto().allocate(payload.length + 3L);
    frame.payload.asSlice(3).copyFrom(MemorySegment.ofArray(payload));
    frame.payloadOffset = 3;
    frame.payloadBytes = payload.length;
    return frame;
  }

  private static ExchangeFrame generated(Frame frame, byte[] payload) {
    return ExchangeFrame.newBuilder()
        .setEpoch(frame.epoch)
        .setStep(frame.step)
        .setLayer(frame.layer)
        .setPoint(frame.point)
        .setRank(frame.rank)
        .setOffset(frame.offset)
        .setTotal(frame.total)
        .setPayload(ByteString.copyFrom(payload))
        .build();
  }
}
