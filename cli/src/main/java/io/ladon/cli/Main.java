package io.ladon.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
      commandLine = commandLine(defaults, args);
      defaults.check(commandLine);
    } catch (IOException e) {
      System.err.println("ladon: " + e.getMessage());
      return USAGE;
    }
    commandLine.setDefaultValueProvider(defaults);
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          // What went wrong is in the message; the stack is for those who build Ladon.
          command
              .getErr()
              .println("ladon: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
          if (System.getenv("LADON_DEBUG") != null) {
            e.printStackTrace(command.getErr());
          }
          return FAILED;
        });
    return commandLine.execute(args);
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
