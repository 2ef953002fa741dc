// swift-tools-version: 5.9
import PackageDescription

let package = Package(
  name: "CoreMLBench",
  platforms: [.iOS(.v16), .macOS(.v13), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],
  products: [
    .library(name: "CoreMLBench", targets: ["CoreMLBench"]),
    .executable(name: "coreml-bench", targets: ["coreml-bench"]),
  ],
  targets: [
    .target(name: "CoreMLBench"),
    .executableTarget(name: "coreml-bench", dependencies: ["CoreMLBench"]),
  ]
)
