package io.ladon.cli;

import io.ladon.cli.catalogue.LadonHome;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Values for options that the command line does not give: from the environment ({@code
 * LADON_KV_TYPE} for {@code --kv-type}), then from a properties file ({@code worker.kv-type} for
 * one command, {@code kv-type} for all).
 */
final class OptionDefaults implements IDefaultValueProvider {

  /** Variables of the environment that are no options. */
  private static final Set<String> RESERVED =
      Set.of(
          "LADON_HOME",
          "LADON_CONFIG",
          "LADON_DIST",
          "LADON_JAVA_OPTS",
          "LADON_DEBUG",
          "LADON_LOG");

  private final Properties file;
  private final @Nullable Path path;
  private final Map<String, String> environment;

  private OptionDefaults(Properties file, @Nullable Path path, Map<String, String> environment) {
    this.file = file;
    this.path = path;
    this.environment = environment;
  }

  /**
   * @param configArgument path given on the command line; null for {@code LADON_CONFIG}, or {@code
   *     ladon.properties} in the home folder if it is there
   * @throws IOException if the named file cannot be read
   */
  static OptionDefaults load(@Nullable String configArgument, Map<String, String> environment)
      throws IOException {
    String named = configArgument != null ? configArgument : environment.get("LADON_CONFIG");
    Path path =
        named != null ? Path.of(named) : LadonHome.of(environment).resolve("ladon.properties");
    Properties properties = new Properties();
    if (!Files.isRegularFile(path)) {
      if (named != null) {
        throw new IOException("no such configuration file: " + named);
      }
      return new OptionDefaults(properties, null, environment);
    }
    try (Reader reader = Files.newBufferedReader(path)) {
      properties.load(reader);
    } catch (IllegalArgumentException e) {
      throw new IOException(path + ": " + e.getMessage(), e);
    }
    return new OptionDefaults(properties, path, environment);
  }

  /**
   * Refuses keys of the file and LADON_ variables that no command has as an option: a misspelt one
   * would be ignored.
   *
   * @throws IOException naming the key and where it stands
   */
  void check(CommandLine root) throws IOException {
    Optional<String> unknown = unknown(root);
    if (unknown.isPresent()) {
      throw new IOException(unknown.get());
    }
  }

  /** Whether neither the file nor the environment names any option. */
  boolean isEmpty() {
    return file.isEmpty() && environment.keySet().stream().noneMatch(OptionDefaults::isVariable);
  }

  /** What is wrong with a name of the file or the environment that no command has as an option. */
  Optional<String> unknown(CommandLine root) {
    Set<String> keys = new HashSet<>();
    Set<String> variables = new HashSet<>();
    for (CommandLine command : root.getSubcommands().values()) {
      for (OptionSpec option : command.getCommandSpec().options()) {
        keys.add(key(option));
        keys.add(command.getCommandName() + "." + key(option));
        variables.add(variable(option));
      }
    }
    for (String key : file.stringPropertyNames()) {
      if (!keys.contains(key)) {
        return Optional.of("%s: no command has an option '%s'".formatted(path, key));
      }
    }
    for (String name : environment.keySet()) {
      if (isVariable(name) && !variables.contains(name)) {
        return Optional.of("environment: no command has an option for " + name);
      }
    }
    return Optional.empty();
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) {
      return null;
    }
    String value = environment.get(variable(option));
    if (value == null) {
      value = file.getProperty(option.command().name() + "." + key(option));
    }
    return value != null ? value : file.getProperty(key(option));
  }

  /** Whether a variable of the environment is meant as an option. */
  private static boolean isVariable(String name) {
    return name.startsWith("LADON_") && !RESERVED.contains(name);
  }

  private static String key(OptionSpec option) {
    return option.longestName().replaceFirst("^--?", "");
  }

  private static String variable(OptionSpec option) {
    return "LADON_" + key(option).toUpperCase(Locale.ROOT).replace('-', '_');
  }
}
