package io.ladon.worker.exchange;

import com.google.protobuf.ByteString;
import io.ladon.proto.SharedMemoryOffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and opens the memory that two ranks of one machine share. A file stands for it only until
 * the other side has opened it: who opens it removes it.
 *
 * @param folder where the files are
 */
record SharedMemory(Path folder) {

  private static final Logger log = LoggerFactory.getLogger(SharedMemory.class);
  private static final Path MEMORY_FOLDER = Path.of("/dev/shm");
  private static final Pattern NAME = Pattern.compile("ladon-[0-9a-f]{32}");
  private static final int ZEROS = 64 * 1024;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** In memory where the system has a folder for it, else among the temporary files. */
  static SharedMemory ofMachine() {
    return new SharedMemory(
        Files.isDirectory(MEMORY_FOLDER) && Files.isWritable(MEMORY_FOLDER)
            ? MEMORY_FOLDER
            : Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
  }

  /**
   * Memory that a peer may open.
   *
   * @param lane this side of it
   * @param message what the peer is told
   * @param file to be removed when the peer has answered, or never will
   */
  record Offer(SharedLane lane, SharedMemoryOffer message, Path file) implements AutoCloseable {

    /** Removes the file, if the peer has not; the memory lives on as long as it is mapped. */
    void removeFile() {
      remove(file);
    }

    /** Gives the memory up. */
    @Override
    public void close() {
      removeFile();
      lane.close();
    }
  }

  /**
   * Memory for a rank and a higher one.
   *
   * @throws IOException if the machine has none; the message says why
   */
  Offer offer() throws IOException {
    byte[] token = new byte[SharedLane.TOKEN_BYTES];
    RANDOM.nextBytes(token);
    byte[] name = new byte[16];
    RANDOM.nextBytes(name);
    Path file = folder.resolve("ladon-" + HexFormat.of().formatHex(name));
    try {
      SharedLane lane = create(file, token);
      return new Offer(
          lane,
          SharedMemoryOffer.newBuilder()
              .setFile(file.getFileName().toString())
              .setToken(ByteString.copyFrom(token))
              .build(),
          file);
    } catch (IOException | RuntimeException e) {
      remove(file);
      throw new IOException("cannot share memory in " + folder + ": " + reason(e), e);
    }
  }

  private SharedLane create(Path file, byte[] token) throws IOException {
    Set<OpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try (FileChannel channel = FileChannel.open(file, options, ownersOnly())) {
      // Written, not merely made long: in a full folder the first touch of a page would end the
      // process, where a write only fails.
      ByteBuffer zeros = ByteBuffer.allocate(ZEROS);
      for (int at = 0; at < SharedLane.BYTES; at += ZEROS) {
        zeros.clear().limit(Math.min(ZEROS, SharedLane.BYTES - at));
        while (zeros.hasRemaining()) {
          channel.write(zeros);
        }
      }
      SharedLane lane = new SharedLane(channel, true);
      lane.sign(token);
      return lane;
    }
  }

  private FileAttribute<?>[] ownersOnly() {
    return folder.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        }
        : new FileAttribute<?>[0];
  }

  /**
   * Opens what a lower rank has offered, and removes the file.
   *
   * @throws IOException if it cannot; the message says why
   */
  SharedLane take(SharedMemoryOffer offer) throws IOException {
    if (!NAME.matcher(offer.getFile()).matches()) {
      throw new IOException("'" + offer.getFile() + "' is no name of shared memory");
    }
    Path file = folder.resolve(offer.getFile());
    Set<OpenOption> options =
        Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    try (FileChannel channel = FileChannel.open(file, options)) {
      if (channel.size() != SharedLane.BYTES) {
        throw new IOException(channel.size() + " bytes, not " + SharedLane.BYTES);
      }
      SharedLane lane = new SharedLane(channel, false);
      if (!lane.isSigned(offer.getToken().toByteArray())) {
        lane.close();
        throw new IOException("another token");
      }
      remove(file);
      return lane;
    } catch (IOException e) {
      throw new IOException("cannot open " + file + ": " + reason(e), e);
    }
  }

  private static String reason(Exception e) {
    return switch (e) {
      case NoSuchFileException _ -> "it is not there (another machine or container?)";
      case AccessDeniedException _ -> "access denied (another user?)";
      default -> e.getMessage() == null ? e.toString() : e.getMessage();
    };
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("event=shared_memory_left file={} error=\"{}\"", file, e.toString());
    }
  }
}
