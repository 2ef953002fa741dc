// apply(from = "mobile-export.gradle.kts") in app/build.gradle.kts; then: ./gradlew checkSize, which `check` runs too.
// Without budgets.toml the store's rules alone are judged.
val bundle = layout.buildDirectory.file("outputs/bundle/release/app-release.aab")
val budgets = rootProject.file("budgets.toml")
val baseline = rootProject.file("sizes.json")
val report = layout.buildDirectory.file("reports/mobile-export/sizes.xml")

val checkSize = tasks.register<Exec>("checkSize") {
    group = "verification"
    description = "Holds the app bundle's download, install size and native libraries against the rules of Google Play."
    dependsOn("bundleRelease")
    inputs.file(bundle)
    inputs.files(budgets, baseline).optional()
    outputs.file(report)
    doFirst { report.get().asFile.parentFile.mkdirs() }
    commandLine(
        listOf("mobile-export", "budget", bundle.get().asFile.path, "--store", "google-play")
            + (if (budgets.exists()) listOf("--budgets", budgets.path) else emptyList())
            + (if (baseline.exists()) listOf("--baseline", baseline.path) else emptyList())
            + listOf("--report", "junit=${report.get().asFile.path}"),
    )
}
tasks.named("check") { dependsOn(checkSize) }
