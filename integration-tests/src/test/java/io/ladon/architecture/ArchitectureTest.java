package io.ladon.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rooms of the design: who may use whom. */
@AnalyzeClasses(
    packages = "io.ladon",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ArchitectureTest {

  /** Leaves out the engine's test-jar. */
  static final class NoTestJars implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("-tests.jar");
    }
  }

  @ArchTest
  static final ArchRule engineUsesTheJdkOnly =
      classes()
          .that()
          .resideInAPackage("io.ladon.engine..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("io.ladon.engine..", "java..", "jdk..", "org.jspecify.annotations..");

  @ArchTest
  static final ArchRule proxyUsesTheJdkOnly =
      classes()
          .that()
          .resideInAPackage("io.ladon.proxy..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("io.ladon.proxy..", "java..", "org.jspecify.annotations..");

  @ArchTest
  static final ArchRule wireContractUsesNothingOfOurs =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.proto..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.engine..", "io.ladon.worker..", "io.ladon.coordinator..", "io.ladon.cli..");

  @ArchTest
  static final ArchRule socketsUseNothingOfOurs =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.net..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.proto..",
              "io.ladon.engine..",
              "io.ladon.worker..",
              "io.ladon.coordinator..",
              "io.ladon.cli..");

  @ArchTest
  static final ArchRule workerKnowsNoCoordinator =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.worker..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.ladon.coordinator..", "io.ladon.cli..");

  @ArchTest
  static final ArchRule coordinatorComputesNoLayer =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.coordinator..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.worker..",
              "io.ladon.cli..",
              "io.ladon.engine.kernel..",
              "io.ladon.engine.attention..",
              "io.ladon.engine.exchange..",
              "io.ladon.engine.rank..",
              "io.ladon.engine.reference..");

  @ArchTest
  static final ArchRule onlyTheCommandLineStartsProcesses =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.ladon.cli..")
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(ProcessBuilder.class);

  @ArchTest
  static final ArchRule containersKnowTheirImageOnly =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.testcontainers..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.engine..",
              "io.ladon.proto..",
              "io.ladon.net..",
              "io.ladon.worker..",
              "io.ladon.coordinator..",
              "io.ladon.cli..");

  @ArchTest
  static final ArchRule kernelsKnowNoRank =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.engine.kernel..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.engine.rank..",
              "io.ladon.engine.attention..",
              "io.ladon.engine.exchange..",
              "io.ladon.engine.reference..");

  @ArchTest
  static final ArchRule checkpointKnowsNoModel =
      noClasses()
          .that()
          .resideInAPackage("io.ladon.engine.checkpoint..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.ladon.engine.model..",
              "io.ladon.engine.plan..",
              "io.ladon.engine.kernel..",
              "io.ladon.engine.rank..");
}
