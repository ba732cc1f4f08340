package io.ladon.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
    subcommands = {
      RunCommand.class,
      ChatCommand.class,
      GenerateCommand.class,
      UpCommand.class,
      CoordinatorCommand.class,
      WorkerCommand.class,
      HealthCommand.class,
      ModelsCommand.class,
      InspectCommand.class,
      TokenizeCommand.class,
      RenderCommand.class,
      SynthCommand.class,
      BenchCommand.class
    },
    footer = {
      "",
      "Options may also stand in a properties file (--config, LADON_CONFIG or"
          + " ladon.properties in LADON_HOME: 'workers=3', or 'worker.threads=2' for one"
          + " command) and in the environment (LADON_WORKERS=3). The command line wins,"
          + " then the environment, then the file."
    })
public final class Main implements Runnable {

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

  static int execute(String... args) {
    CommandLine commandLine = new CommandLine(new Main());
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
    try {
      OptionDefaults defaults =
          OptionDefaults.load(configArgument(Arrays.asList(args)), System.getenv());
      defaults.check(commandLine);
      commandLine.setDefaultValueProvider(defaults);
    } catch (IOException e) {
      commandLine.getErr().println("ladon: " + e.getMessage());
      return USAGE;
    }
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
