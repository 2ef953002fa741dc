import CoreML
import Foundation

/// Digests of what the model computed, and on request the bytes themselves.
enum Outputs {
  /// Row-major bytes of every multi-array output are digested; other kinds (images, dictionaries) have no digest and
  /// are left out.
  static func describe(_ features: MLFeatureProvider, folder: URL?) throws -> [Document.Output] {
    if let folder {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    var found: [Document.Output] = []
    for (position, name) in features.featureNames.sorted().enumerated() {
      guard let array = features.featureValue(for: name)?.multiArrayValue, let type = typeName(array.dataType) else {
        continue
      }
      let bytes = rowMajor(array, width: type.width)
      let file = folder?.appendingPathComponent("output_\(position).bin")
      if let file { try bytes.write(to: file) }
      found.append(
        Document.Output(
          name: name, dtype: type.name, shape: array.shape.map(\.intValue), sha256: Digest.sha256(bytes),
          file: file?.path))
    }
    return found
  }

  private static func typeName(_ type: MLMultiArrayDataType) -> (name: String, width: Int)? {
    switch type {
    case .double: return ("float64", 8)
    case .float32: return ("float32", 4)
    case .float16: return ("float16", 2)
    case .int32: return ("int32", 4)
    default: return nil
    }
  }

  /// Core ML pads rows of some outputs; strides are in elements.
  private static func rowMajor(_ array: MLMultiArray, width: Int) -> Data {
    let shape = array.shape.map(\.intValue)
    let strides = array.strides.map(\.intValue)
    var bytes = Data(capacity: array.count * width)
    array.withUnsafeBytes { raw in
      var index = [Int](repeating: 0, count: shape.count)
      for _ in 0..<array.count {
        let offset = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 } * width
        bytes.append(contentsOf: raw[offset..<(offset + width)])
        advance(&index, shape: shape)
      }
    }
    return bytes
  }

  private static func advance(_ index: inout [Int], shape: [Int]) {
    for axis in shape.indices.reversed() {
      index[axis] += 1
      if index[axis] < shape[axis] { return }
      index[axis] = 0
    }
  }
}
