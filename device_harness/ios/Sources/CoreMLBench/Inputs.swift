import CoreML
import CoreVideo
import Foundation

/// Fills the inputs that a model describes: with random values, zeros, or the bytes of files.
struct Inputs {
  let plan: Plan
  let folder: URL

  func make(for model: MLModel) throws -> MLFeatureProvider {
    var generator = SplitMix64(state: plan.settings.seed)
    let files = Dictionary(plan.inputs.map { ($0.name, $0.file) }, uniquingKeysWith: { first, _ in first })
    let descriptions = model.modelDescription.inputDescriptionsByName
    if let stranger = files.keys.first(where: { descriptions[$0] == nil }) {
      throw BenchError.input("the model has no input \(stranger); it has \(descriptions.keys.sorted())")
    }
    var features: [String: MLFeatureValue] = [:]
    // In the order of names, so that the same seed gives the same values everywhere.
    for (name, description) in descriptions.sorted(by: { $0.key < $1.key }) {
      let bytes = try files[name].map { try Data(contentsOf: folder.appendingPathComponent($0)) }
      if bytes == nil, plan.settings.input == "file", !description.isOptional {
        throw BenchError.input("no file is given for \(name)")
      }
      if bytes == nil, description.isOptional { continue }
      features[name] = try value(description, name: name, bytes: bytes, generator: &generator)
    }
    return try MLDictionaryFeatureProvider(dictionary: features)
  }

  private func value(
    _ description: MLFeatureDescription, name: String, bytes: Data?, generator: inout SplitMix64
  ) throws -> MLFeatureValue {
    if let constraint = description.multiArrayConstraint {
      let array = try MLMultiArray(shape: constraint.shape, dataType: constraint.dataType)
      try fill(array, name: name, bytes: bytes, generator: &generator)
      return MLFeatureValue(multiArray: array)
    }
    if let constraint = description.imageConstraint {
      return MLFeatureValue(pixelBuffer: try image(constraint, name: name, bytes: bytes, generator: &generator))
    }
    throw BenchError.input("\(name) is neither a multi-array nor an image")
  }

  private func fill(_ array: MLMultiArray, name: String, bytes: Data?, generator: inout SplitMix64) throws {
    let size = try width(array.dataType, name: name) * array.count
    if let bytes, bytes.count != size {
      throw BenchError.input("\(name) takes \(size) bytes, its file has \(bytes.count)")
    }
    let random = plan.settings.input == "random"
    array.withUnsafeMutableBytes { raw, _ in
      if let bytes {
        raw.copyBytes(from: bytes)
      } else if random {
        write(array.dataType, into: raw, count: array.count, generator: &generator)
      } else {
        raw.initializeMemory(as: UInt8.self, repeating: 0)
      }
    }
  }

  private func width(_ type: MLMultiArrayDataType, name: String) throws -> Int {
    switch type {
    case .double: return 8
    case .float32, .int32: return 4
    case .float16: return 2
    default: throw BenchError.input("\(name) has an element type that this runner does not know")
    }
  }

  private func write(
    _ type: MLMultiArrayDataType, into raw: UnsafeMutableRawBufferPointer, count: Int, generator: inout SplitMix64
  ) {
    for index in 0..<count {
      switch type {
      case .double: raw.storeBytes(of: generator.unit(), toByteOffset: index * 8, as: Double.self)
      case .float32: raw.storeBytes(of: Float(generator.unit()), toByteOffset: index * 4, as: Float.self)
      case .float16:
        raw.storeBytes(of: halfBits(Float(generator.unit())), toByteOffset: index * 2, as: UInt16.self)
      default: raw.storeBytes(of: Int32(generator.next() % 2), toByteOffset: index * 4, as: Int32.self)
      }
    }
  }

  private func image(
    _ constraint: MLImageConstraint, name: String, bytes: Data?, generator: inout SplitMix64
  ) throws -> CVPixelBuffer {
    var made: CVPixelBuffer?
    CVPixelBufferCreate(
      kCFAllocatorDefault, constraint.pixelsWide, constraint.pixelsHigh, constraint.pixelFormatType, nil, &made)
    guard let buffer = made else { throw BenchError.input("no image buffer could be made for \(name)") }
    CVPixelBufferLockBaseAddress(buffer, [])
    defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
    guard let base = CVPixelBufferGetBaseAddress(buffer) else {
      throw BenchError.input("the image buffer of \(name) has no memory")
    }
    let stride = CVPixelBufferGetBytesPerRow(buffer)
    let row = constraint.pixelsWide * (constraint.pixelFormatType == kCVPixelFormatType_32BGRA ? 4 : 1)
    if let bytes, bytes.count != row * constraint.pixelsHigh {
      throw BenchError.input("\(name) takes \(row * constraint.pixelsHigh) bytes, its file has \(bytes.count)")
    }
    for line in 0..<constraint.pixelsHigh {
      let target = UnsafeMutableRawBufferPointer(start: base + line * stride, count: row)
      if let bytes {
        target.copyBytes(from: bytes[(bytes.startIndex + line * row)..<(bytes.startIndex + (line + 1) * row)])
      } else {
        for index in 0..<row { target[index] = plan.settings.input == "random" ? UInt8(generator.next() & 255) : 0 }
      }
    }
    return buffer
  }
}
