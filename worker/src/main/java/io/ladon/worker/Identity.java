package io.ladon.worker;

import io.ladon.engine.Release;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.proto.Hello;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.Stream;

/** What a worker says of itself when it joins. */
final class Identity {

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private final WorkerOptions options;
  private final int threads;
  private final long memoryBytes;
  private final String kernels;
  private final MachineSpeed speed;
  private final String instance = UUID.randomUUID().toString();

  Identity(
      WorkerOptions options, int threads, long memoryBytes, String kernels, MachineSpeed speed) {
    this.options = options;
    this.threads = threads;
    this.memoryBytes = memoryBytes;
    this.kernels = kernels;
    this.speed = speed;
  }

  /**
   * @param localHost this side's address of the connection to the coordinator
   * @param peerPort where the peer service listens
   */
  Hello hello(String localHost, int peerPort) {
    return Hello.newBuilder()
        .setProtocolVersion(Release.PROTOCOL)
        .setSoftwareVersion(Release.VERSION)
        .setName(name())
        .setPeerAddress(address(advertisedHost(localHost), peerPort))
        .setThreads(threads)
        .setMemoryBytes(memoryBytes)
        .setCpu(cpu())
        .setKernels(kernels)
        .setInstance(instance)
        .setReadBytesPerSecond(speed.readBytesPerSecond())
        .setOperationsPerSecond(speed.operationsPerSecond())
        .build();
  }

  MachineSpeed speed() {
    return speed;
  }

  String name() {
    String given = options.name();
    return given != null ? given : hostName() + "/" + ProcessHandle.current().pid();
  }

  private String advertisedHost(String localHost) {
    String given = options.advertisedHost();
    if (given != null) {
      return given;
    }
    return WorkerOptions.isAny(options.bindHost()) ? localHost : options.bindHost();
  }

  static String address(String host, int port) {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "worker";
    }
  }

  private static String cpu() {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElseGet(Identity::architecture);
    } catch (IOException e) {
      return architecture();
    }
  }

  private static String architecture() {
    return System.getProperty("os.arch", "unknown");
  }
}
