import Foundation

/// What to measure, as the host wrote it. Paths are relative to the folder of the plan file.
public struct Plan: Decodable {
  public static let knownVersion = 1

  /// One input tensor or image whose raw bytes are in a file.
  public struct InputFile: Decodable {
    let name: String
    let file: String
  }

  let schemaVersion: Int
  let model: String
  let settings: Settings
  let warmupMinSeconds: Double
  let limitSeconds: Double
  let inputs: [InputFile]
  let outputFolder: String?
  let placement: Bool
  let result: String

  enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case model, settings
    case warmupMinSeconds = "warmup_min_s"
    case limitSeconds = "limit_s"
    case inputs
    case outputFolder = "output_folder"
    case placement, result
  }

  /// Reads and checks a plan file.
  public static func read(_ url: URL) throws -> Plan {
    let plan = try JSONDecoder().decode(Plan.self, from: Data(contentsOf: url))
    guard plan.schemaVersion == knownVersion else {
      throw BenchError.plan("schema_version \(plan.schemaVersion) is not known; this runner knows \(knownVersion)")
    }
    guard plan.settings.runs >= 1, plan.settings.warmupRuns >= 0 else {
      throw BenchError.plan("runs must be at least 1 and warmup_runs at least 0")
    }
    guard plan.settings.input != "file" || !plan.inputs.isEmpty else {
      throw BenchError.plan("settings.input is file, but no inputs are given")
    }
    return plan
  }
}

/// Why a measurement could not be made; the description is shown to the person who asked for it.
public enum BenchError: Error, CustomStringConvertible {
  case plan(String)
  case input(String)
  case usage(String)
  case transfer(String)

  public var description: String {
    switch self {
    case .plan(let reason): return "The plan cannot be run: \(reason)."
    case .input(let reason): return "The model's inputs cannot be filled: \(reason)."
    case .usage(let reason): return "Wrong usage: \(reason)."
    case .transfer(let reason): return "A file did not arrive whole: \(reason)."
    }
  }
}
