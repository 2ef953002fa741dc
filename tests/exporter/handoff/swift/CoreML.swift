// Interfaces of Core ML, for the compiler alone.
import CoreVideo
import Foundation

public final class MLModelConfiguration {
  public init() {}
}

public enum MLMultiArrayDataType: Int, Sendable {
  case double = 65600
  case float32 = 65568
  case float16 = 65552
  case int32 = 131104
}

public final class MLMultiArray {
  public init(shape: [NSNumber], dataType: MLMultiArrayDataType) throws {}
  public var count: Int { fatalError("interface only") }
  public subscript(index: Int) -> NSNumber {
    get { fatalError("interface only") }
    set {}
  }
}

public final class MLFeatureValue {
  public init(multiArray value: MLMultiArray) {}
  public init(pixelBuffer value: CVPixelBuffer) {}
  public var multiArrayValue: MLMultiArray? { fatalError("interface only") }
  public var dictionaryValue: [AnyHashable: NSNumber] { fatalError("interface only") }
}

public protocol MLFeatureProvider: AnyObject {
  func featureValue(for featureName: String) -> MLFeatureValue?
}

public final class MLDictionaryFeatureProvider: MLFeatureProvider {
  public init(dictionary: [String: Any]) throws {}
  public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError("interface only") }
}

public enum MLFeatureType: Int, Sendable {
  case invalid, int64, double, string, image, multiArray, dictionary, sequence, state
}

public final class MLFeatureDescription {
  public var type: MLFeatureType { fatalError("interface only") }
}

public final class MLModelDescription {
  public var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError("interface only") }
}

public final class MLModel {
  public init(contentsOf url: URL, configuration: MLModelConfiguration) throws {}
  public var modelDescription: MLModelDescription { fatalError("interface only") }
  public static func compileModel(at modelURL: URL) throws -> URL { fatalError("interface only") }
  public func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider {
    fatalError("interface only")
  }
}
