package io.ladon.cli;

import io.ladon.cli.process.ChildOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/** The {@code ladon} command. */
@Command(
    name = "ladon",
    description = "Serves a large language model from a cluster of ordinary machines.",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false,
    usageHelpAutoWidth = true,
    footer = {
      "",
      "Options may also stand in a properties file (--config, LADON_CONFIG or"
          + " ladon.properties in LADON_HOME: 'workers=3', or 'worker.threads=2' for one"
          + " command) and in the environment (LADON_WORKERS=3). The command line wins,"
          + " then the environment, then the file."
    })
public final class Main implements Runnable {

  private static final Map<String, Class<?>> COMMANDS = commands();

  /** Exit code when a command was used wrongly. */
  static final int USAGE = 2;

  /** Exit code when a command failed. */
  static final int FAILED = 1;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "properties file with options")
  @Nullable Path config;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /** In the order in which help names them. */
  private static Map<String, Class<?>> commands() {
    Map<String, Class<?>> commands = new LinkedHashMap<>();
    commands.put("run", RunCommand.class);
    commands.put("chat", ChatCommand.class);
    commands.put("generate", GenerateCommand.class);
    commands.put("up", UpCommand.class);
    commands.put("coordinator", CoordinatorCommand.class);
    commands.put("worker", WorkerCommand.class);
    commands.put("health", HealthCommand.class);
    commands.put("models", ModelsCommand.class);
    commands.put("inspect", InspectCommand.class);
    commands.put("tokenize", TokenizeCommand.class);
    commands.put("render", RenderCommand.class);
    commands.put("synth", SynthCommand.class);
    commands.put("bench", BenchCommand.class);
    return commands;
  }

  /**
   * The commands, or the one that is asked for alone where the file and the environment name none
   * of the others' options: reading what options all have takes a tenth of a second.
   */
  static CommandLine commandLine(OptionDefaults defaults, String... args) {
    CommandLine commandLine = new CommandLine(new Main());
    Class<?> only = args.length == 0 ? null : COMMANDS.get(args[0]);
    if (only != null) {
      commandLine.addSubcommand(args[0], only);
      if (defaults.unknown(commandLine).isEmpty()) {
        return commandLine;
      }
    }
    COMMANDS.forEach(
        (name, command) -> {
          if (command != only) {
            commandLine.addSubcommand(name, command);
          }
        });
    return commandLine;
  }

  static int execute(String... args) {
    OptionDefaults defaults;
    CommandLine commandLine;
    try {
      defaults = OptionDefaults.load(configArgument(Arrays.asList(args)), System.getenv());
      Callable<Integer> child = child(defaults, args);
      if (child != null) {
        return execute(child);
      }
      commandLine = commandLine(defaults, args);
      defaults.check(commandLine);
    } catch (IOException | IllegalArgumentException e) {
      System.err.println("ladon: " + e.getMessage());
      return USAGE;
    }
    commandLine.setDefaultValueProvider(defaults);
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setExecutionExceptionHandler((e, command, parsed) -> failed(e, command.getErr()));
    return commandLine.execute(args);
  }

  private static int failed(Exception e, PrintWriter err) {
    // What went wrong is in the message; the stack is for those who build Ladon.
    err.println("ladon: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
    if (System.getenv("LADON_DEBUG") != null) {
      e.printStackTrace(err);
    }
    err.flush();
    return FAILED;
  }

  /**
   * What another command has started, where its options are all there are; null for anything else.
   */
  static @Nullable Callable<Integer> child(OptionDefaults defaults, String... args) {
    if (args.length < 2 || !args[1].equals("--supervised") || !defaults.isEmpty()) {
      return null;
    }
    ChildOptions.Reader options =
        new ChildOptions.Reader(Arrays.asList(args).subList(2, args.length));
    return switch (args[0]) {
      case "coordinator" -> CoordinatorCommand.supervised(options);
      case "worker" -> WorkerCommand.supervised(options);
      default -> null;
    };
  }

  private static int execute(Callable<Integer> child) {
    try {
      return child.call();
    } catch (Exception e) {
      return failed(e, new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    }
  }

  /** The value of --config, which has to be known before the other options are read. */
  private static @Nullable String configArgument(List<String> args) {
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      if (arg.equals("--config") && i + 1 < args.size()) {
        return args.get(i + 1);
      }
      if (arg.startsWith("--config=")) {
        return arg.substring("--config=".length());
      }
    }
    return null;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing required command");
  }

  /** The version of the build. */
  static final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {
        "ladon %s (Java %s)".formatted(version == null ? "development" : version, Runtime.version())
      };
    }
  }
}
