package io.ladon.worker.loop;

import io.ladon.engine.memory.SystemFunction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * CPUs that the threads of a rank keep to. Ranks that share a machine wait for each other many
 * times a token; left to itself the system puts two of them on one core again and again, while
 * other threads have the other core.
 */
public final class CpuSet {

  private static final Logger log = LoggerFactory.getLogger(CpuSet.class);
  private static final Path STATUS = Path.of("/proc/self/status"); // of the process's first thread
  private static final Path TOPOLOGY = Path.of("/sys/devices/system/cpu");
  private static final String ALLOWED = "Cpus_allowed_list:";
  private static final @Nullable SystemFunction SET_AFFINITY = find();

  private final BitSet cpus;

  private CpuSet(BitSet cpus) {
    this.cpus = cpus;
  }

  /** All that the process may use. */
  public static CpuSet all() {
    return share(0, 1, 1);
  }

  /**
   * A rank's share of this machine: whole cores, if there are as many as ranks. All that the
   * process may use where a share has less CPUs than the rank has threads, and where the system
   * does not say which there are.
   *
   * @param index of the rank among those of this machine
   * @param ranks of this machine
   * @param threads of each
   */
  public static CpuSet share(int index, int ranks, int threads) {
    if (SET_AFFINITY == null) {
      return new CpuSet(new BitSet());
    }
    try {
      return share(cores(), index, ranks, threads);
    } catch (IOException | IllegalArgumentException e) {
      log.info("event=cpus_unknown error=\"{}\"", e.toString());
      return new CpuSet(new BitSet());
    }
  }

  /**
   * @param cores the CPUs of each
   */
  static CpuSet share(List<BitSet> cores, int index, int ranks, int threads) {
    BitSet all = new BitSet();
    cores.forEach(all::or);
    List<BitSet> units =
        cores.size() >= ranks ? cores : all.stream().mapToObj(CpuSet::only).toList();
    BitSet share = new BitSet();
    for (int i = index * units.size() / ranks; i < (index + 1) * units.size() / ranks; i++) {
      share.or(units.get(i));
    }
    return new CpuSet(share.cardinality() >= threads ? share : all);
  }

  /** Keeps the calling thread, and those that it starts from now on, to these CPUs. */
  public void confine() {
    SystemFunction setAffinity = SET_AFFINITY;
    if (setAffinity == null || cpus.isEmpty()) {
      return;
    }
    long[] mask = cpus.toLongArray();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bits = arena.allocateFrom(ValueLayout.JAVA_LONG, mask);
      if (setAffinity.call(0, bits.byteSize(), bits.address()).number() != 0) {
        log.info("event=cpus_refused cpus={}", cpus);
      }
    }
  }

  /** The cores that this process may use, in the order of their first CPUs. */
  private static List<BitSet> cores() throws IOException {
    BitSet allowed = allowed(Files.readAllLines(STATUS));
    List<BitSet> cores = new ArrayList<>();
    BitSet left = (BitSet) allowed.clone();
    for (int cpu = left.nextSetBit(0); cpu >= 0; cpu = left.nextSetBit(cpu + 1)) {
      BitSet core = siblings(cpu);
      core.and(left);
      core.set(cpu);
      left.andNot(core);
      cores.add(core);
    }
    return cores;
  }

  /** CPUs of the same core. A CPU counts as a core of its own where the system says nothing. */
  private static BitSet siblings(int cpu) throws IOException {
    Path file = TOPOLOGY.resolve("cpu" + cpu + "/topology/thread_siblings_list");
    return Files.exists(file) ? parse(Files.readString(file)) : only(cpu);
  }

  /**
   * @param status lines of {@code /proc/.../status}
   */
  static BitSet allowed(List<String> status) {
    return status.stream()
        .filter(line -> line.startsWith(ALLOWED))
        .map(line -> parse(line.substring(ALLOWED.length())))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no line " + ALLOWED));
  }

  /** A list as the kernel writes it: {@code 0-3,8}. */
  static BitSet parse(String list) {
    BitSet cpus = new BitSet();
    for (String range : list.strip().split(",", -1)) {
      int dash = range.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
      cpus.set(first, 1 + (dash < 0 ? first : Integer.parseInt(range.substring(dash + 1))));
    }
    return cpus;
  }

  private static BitSet only(int cpu) {
    BitSet one = new BitSet();
    one.set(cpu);
    return one;
  }

  /** {@code int sched_setaffinity(pid_t, size_t, const cpu_set_t *)}, where the system has it. */
  private static @Nullable SystemFunction find() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return null;
    }
    return SystemFunction.find("sched_setaffinity").orElse(null);
  }

  @Override
  public String toString() {
    return cpus.toString();
  }
}
