import CoreVideo
import Foundation

public enum MLComputeUnits: Int, Sendable {
  case cpuOnly = 0
  case cpuAndGPU = 1
  case all = 2
  case cpuAndNeuralEngine = 3
}

public final class MLModelConfiguration {
  public init() {}
  public var computeUnits: MLComputeUnits {
    get { fatalError("interface only") }
    set {}
  }
}

public enum MLMultiArrayDataType: Int, Sendable {
  case double = 65600
  case float32 = 65568
  case float16 = 65552
  case int32 = 131104
  case int8 = 131080
}

public final class MLMultiArray {
  public init(shape: [NSNumber], dataType: MLMultiArrayDataType) throws {}
  public var dataType: MLMultiArrayDataType { fatalError("interface only") }
  public var shape: [NSNumber] { fatalError("interface only") }
  public var strides: [NSNumber] { fatalError("interface only") }
  public var count: Int { fatalError("interface only") }
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    fatalError("interface only")
  }
  public func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer, [Int]) throws -> R) rethrows -> R {
    fatalError("interface only")
  }
}

public final class MLFeatureValue {
  public init(multiArray value: MLMultiArray) {}
  public init(pixelBuffer value: CVPixelBuffer) {}
  public var multiArrayValue: MLMultiArray? { fatalError("interface only") }
}

public protocol MLFeatureProvider: AnyObject {
  var featureNames: Set<String> { get }
  func featureValue(for featureName: String) -> MLFeatureValue?
}

public final class MLDictionaryFeatureProvider: MLFeatureProvider {
  public init(dictionary: [String: Any]) throws {}
  public var featureNames: Set<String> { fatalError("interface only") }
  public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError("interface only") }
}

public final class MLMultiArrayConstraint {
  public var shape: [NSNumber] { fatalError("interface only") }
  public var dataType: MLMultiArrayDataType { fatalError("interface only") }
}

public final class MLImageConstraint {
  public var pixelsHigh: Int { fatalError("interface only") }
  public var pixelsWide: Int { fatalError("interface only") }
  public var pixelFormatType: OSType { fatalError("interface only") }
}

public final class MLFeatureDescription {
  public var isOptional: Bool { fatalError("interface only") }
  public var multiArrayConstraint: MLMultiArrayConstraint? { fatalError("interface only") }
  public var imageConstraint: MLImageConstraint? { fatalError("interface only") }
}

public final class MLModelDescription {
  public var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError("interface only") }
}

public final class MLModel {
  public var modelDescription: MLModelDescription { fatalError("interface only") }
  public static func compileModel(at modelURL: URL) async throws -> URL { fatalError("interface only") }
  public static func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLModel {
    fatalError("interface only")
  }
  public func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider {
    fatalError("interface only")
  }
}

public final class MLCPUComputeDevice {}
public final class MLGPUComputeDevice {}
public final class MLNeuralEngineComputeDevice {}

public enum MLComputeDevice {
  case cpu(MLCPUComputeDevice)
  case gpu(MLGPUComputeDevice)
  case neuralEngine(MLNeuralEngineComputeDevice)
  public static var allComputeDevices: [MLComputeDevice] { fatalError("interface only") }
}

public enum MLModelStructure {
  case neuralNetwork(NeuralNetwork)
  case program(Program)
  case pipeline(Pipeline)
  case unsupported

  public struct NeuralNetwork {}
  public struct Pipeline {}
  public struct Program {
    public let functions: [String: Function]
    public struct Function {
      public let block: Block
    }
    public struct Block {
      public let operations: [Operation]
    }
    public struct NamedValueType {
      public let name: String
    }
    public struct Operation {
      public let operatorName: String
      public let outputs: [NamedValueType]
      public let blocks: [Block]
    }
  }
}

public final class MLComputePlan {
  public struct DeviceUsage {
    public let supported: [MLComputeDevice]
    public let preferred: MLComputeDevice
  }
  public struct Cost {
    public let weight: Double
  }
  public let modelStructure: MLModelStructure
  init(modelStructure: MLModelStructure) { self.modelStructure = modelStructure }
  public static func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLComputePlan {
    fatalError("interface only")
  }
  public func deviceUsage(for operation: MLModelStructure.Program.Operation) -> DeviceUsage? {
    fatalError("interface only")
  }
  public func estimatedCost(of operation: MLModelStructure.Program.Operation) -> Cost? { fatalError("interface only") }
}
