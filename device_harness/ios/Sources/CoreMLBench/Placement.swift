import CoreML
import Foundation

/// Where Core ML plans to run each operation of an ML program: its preference, which is not proof of what ran.
enum PlacementPlan {
  /// Empty for neural networks and pipelines, and on systems before iOS 17.4 and macOS 14.4.
  static func read(_ compiled: URL, configuration: MLModelConfiguration) async throws -> [Document.Placement] {
    guard #available(iOS 17.4, macOS 14.4, tvOS 17.4, watchOS 10.4, *) else { return [] }
    let plan = try await MLComputePlan.load(contentsOf: compiled, configuration: configuration)
    guard case .program(let program) = plan.modelStructure else { return [] }
    var found: [Document.Placement] = []
    for (_, function) in program.functions.sorted(by: { $0.key < $1.key }) {
      found += operations(of: function.block, plan: plan)
    }
    return found
  }

  @available(iOS 17.4, macOS 14.4, tvOS 17.4, watchOS 10.4, *)
  private static func operations(
    of block: MLModelStructure.Program.Block, plan: MLComputePlan
  ) -> [Document.Placement] {
    var found: [Document.Placement] = []
    for operation in block.operations {
      // Constants have no usage: they run nowhere.
      if let usage = plan.deviceUsage(for: operation) {
        found.append(
          Document.Placement(
            op: operation.outputs.first?.name ?? operation.operatorName,
            type: operation.operatorName,
            device: name(usage.preferred),
            supported: usage.supported.map(name),
            cost: plan.estimatedCost(of: operation)?.weight))
      }
      for inner in operation.blocks { found += operations(of: inner, plan: plan) }
    }
    return found
  }

  /// What the device has.
  static func registered() -> [String] {
    guard #available(iOS 17.0, macOS 14.0, tvOS 17.0, watchOS 10.0, *) else { return [] }
    return MLComputeDevice.allComputeDevices.map(name)
  }

  @available(iOS 17.0, macOS 14.0, tvOS 17.0, watchOS 10.0, *)
  private static func name(_ device: MLComputeDevice) -> String {
    switch device {
    case .cpu: return "cpu"
    case .gpu: return "gpu"
    case .neuralEngine: return "ane"
    @unknown default: return "unknown"
    }
  }

  /// The units that the plan uses, told in the words of the bench document.
  static func acceleration(_ placement: [Document.Placement], asked: String) -> Document.Acceleration {
    let devices = Set(placement.map(\.device))
    guard !devices.isEmpty else {
      return Document.Acceleration(
        used: "unknown", fullyAccelerated: nil, registered: registered(),
        notes: ["Core ML gave no compute plan for this model on this system"])
    }
    let names = ["cpu": "cpu", "gpu": "gpu", "ane": "npu"]
    let used = devices.count == 1 ? names[devices.first ?? ""] ?? "unknown" : "mixed"
    let wanted = ["gpu": "gpu", "cpu_and_gpu": "gpu", "npu": "ane", "cpu_and_ne": "ane"][asked]
    return Document.Acceleration(
      used: used, fullyAccelerated: wanted.map { devices == [$0] }, registered: registered(),
      notes: ["by MLComputePlan: the framework's preference, not an observation"])
  }
}
