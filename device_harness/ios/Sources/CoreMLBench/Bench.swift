import CoreML
import Darwin
import Foundation
import os

/// Loads a model, warms it up, measures it, and describes what happened.
public struct Bench {
  private static let signposter = OSSignposter(subsystem: "mobile-export.coreml-bench", category: "PointsOfInterest")

  private struct Phase {
    var starts: [Double] = []
    var latencies: [Double] = []
    var cpu: [Double] = []
    var last: MLFeatureProvider?
  }

  let plan: Plan
  let folder: URL
  let conditions = Conditions()

  /// Runs the plan in `file` and writes the document to the plan's `result`, whole or not at all.
  public static func run(planFile file: URL) async throws {
    let plan = try Plan.read(file)
    let folder = file.deletingLastPathComponent()
    let document = try await Bench(plan: plan, folder: folder).measure()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try encoder.encode(document).write(to: folder.appendingPathComponent(plan.result), options: .atomic)
  }

  private func measure() async throws -> Document {
    conditions.noteThermal(always: true)
    await conditions.noteBattery()
    let configuration = MLModelConfiguration()
    configuration.computeUnits = try computeUnits()
    let before = Footprint.read()
    let loadStart = Clock.now()
    let (compiled, isNew) = try await compile()
    defer { if isNew { try? FileManager.default.removeItem(at: compiled) } }
    let compileEnd = Clock.now()
    let model = try await load(compiled, configuration)
    let loadEnd = Clock.now()
    let after = Footprint.read()
    let input = try Inputs(plan: plan, folder: folder).make(for: model)

    let warmupStart = Clock.now()
    let warmup = try phase("warm-up", model, input, runs: plan.settings.warmupRuns, least: plan.warmupMinSeconds)
    await conditions.noteBattery()
    let processStart = Clock.processTime()
    let measureStart = Clock.now()
    let (measured, thread) = try measuredPhase(model, input)
    let measureEnd = Clock.now()
    let process = Clock.processTime() - processStart
    let end = Footprint.read()
    conditions.noteThermal(always: true)
    await conditions.noteBattery()

    // After everything that is measured: a second model in memory would be counted as the first one's.
    let againStart = Clock.now()
    _ = try await load(compiled, configuration)
    let againEnd = Clock.now()
    let placement = plan.placement ? try await PlacementPlan.read(compiled, configuration: configuration) : []
    guard let before, let after, let end, let last = measured.last else {
      throw BenchError.plan("the system does not tell this process its memory footprint")
    }
    let outputFolder = plan.outputFolder.map { folder.appendingPathComponent($0) }
    return Document(
      runner: Document.Runner(runtime: "Core ML (\(ProcessInfo.processInfo.operatingSystemVersionString))"),
      model: plan.model,
      pid: ProcessInfo.processInfo.processIdentifier,
      settings: plan.settings,
      clock: Document.Clock(
        loadStart: loadStart, warmupStart: warmupStart, measureStart: measureStart, measureEnd: measureEnd),
      load: loadEnd - loadStart,
      loads: Document.Loads(
        compile: isNew ? compileEnd - loadStart : nil, cold: isNew ? loadEnd - compileEnd : nil,
        warm: againEnd - againStart),
      warmupLatencies: warmup.latencies,
      latencies: measured.latencies,
      starts: measured.starts,
      cpuTime: Document.CpuTime(process: process, thread: thread, perInference: measured.cpu),
      memory: Document.Memory(
        beforeLoad: before.now, afterLoad: after.now, peak: max(end.peak, end.now), method: "peak phys_footprint"),
      acceleration: PlacementPlan.acceleration(placement, asked: plan.settings.accelerator),
      outputs: try Outputs.describe(last, folder: outputFolder),
      placement: placement,
      thermal: conditions.thermal,
      battery: conditions.battery,
      machine: Machine.facts())
  }

  private func computeUnits() throws -> MLComputeUnits {
    switch plan.settings.accelerator {
    case "cpu": return .cpuOnly
    case "gpu", "cpu_and_gpu": return .cpuAndGPU
    case "npu", "cpu_and_ne": return .cpuAndNeuralEngine
    case "all": return .all
    default: throw BenchError.plan("accelerator \(plan.settings.accelerator) is not known")
    }
  }

  /// The compiled model, and whether it was compiled just now: a package or .mlmodel is, on the device.
  private func compile() async throws -> (URL, Bool) {
    let source = folder.appendingPathComponent(plan.model)
    if source.pathExtension == "mlmodelc" { return (source, false) }
    let interval = Self.signposter.beginInterval("compile")
    defer { Self.signposter.endInterval("compile", interval) }
    return (try await MLModel.compileModel(at: source), true)
  }

  private func load(_ compiled: URL, _ configuration: MLModelConfiguration) async throws -> MLModel {
    let interval = Self.signposter.beginInterval("load")
    defer { Self.signposter.endInterval("load", interval) }
    return try await MLModel.load(contentsOf: compiled, configuration: configuration)
  }

  /// Thread time has to be read on the thread that predicts, so both are taken in one synchronous function.
  private func measuredPhase(_ model: MLModel, _ input: MLFeatureProvider) throws -> (Phase, Double) {
    let start = Clock.threadTime()
    let result = try phase("prediction", model, input, runs: plan.settings.runs, least: plan.settings.minSeconds)
    return (result, Clock.threadTime() - start)
  }

  /// Predicts until `runs` and `least` seconds are both reached, but not for longer than the plan's limit.
  private func phase(
    _ name: StaticString, _ model: MLModel, _ input: MLFeatureProvider, runs: Int, least: Double
  ) throws -> Phase {
    var result = Phase()
    let began = Clock.now()
    var end = began
    while (result.latencies.count < runs || end - began < least) && end - began < plan.limitSeconds {
      let cpu = Clock.processTime()
      let interval = Self.signposter.beginInterval(name)
      let start = Clock.now()
      result.last = try autoreleasepool { try model.prediction(from: input) }
      end = Clock.now()
      Self.signposter.endInterval(name, interval)
      result.cpu.append(Clock.processTime() - cpu)
      result.starts.append(start)
      result.latencies.append(end - start)
      conditions.noteThermal()
    }
    return result
  }
}
