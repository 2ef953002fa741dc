import Foundation

/// The bench document, version 1: the same JSON that every runner of the project writes. Its schema is
/// `device_harness/runners/bench_document.schema.json`; absent optional values are left out.
struct Document: Encodable {
  struct Runner: Encodable {
    let name = "coreml_bench"
    let version = "1"
    let runtime: String
  }

  struct Clock: Encodable {
    let name = "mach_continuous_time"
    let loadStart: Double
    let warmupStart: Double
    let measureStart: Double
    let measureEnd: Double

    enum CodingKeys: String, CodingKey {
      case name
      case loadStart = "load_start_s"
      case warmupStart = "warmup_start_s"
      case measureStart = "measure_start_s"
      case measureEnd = "measure_end_s"
    }
  }

  /// Parts of loading: compilation, the first load of a model compiled just now, and a second load of the same one.
  struct Loads: Encodable {
    let compile: Double?
    let cold: Double?
    let warm: Double

    enum CodingKeys: String, CodingKey {
      case compile = "compile_s"
      case cold = "cold_s"
      case warm = "warm_s"
    }
  }

  struct CpuTime: Encodable {
    let process: Double
    let thread: Double
    let perInference: [Double]

    enum CodingKeys: String, CodingKey {
      case process = "process_s"
      case thread = "thread_s"
      case perInference = "per_inference_s"
    }
  }

  struct Memory: Encodable {
    let beforeLoad: UInt64
    let afterLoad: UInt64
    let peak: UInt64
    let method: String

    enum CodingKeys: String, CodingKey {
      case beforeLoad = "before_load_bytes"
      case afterLoad = "after_load_bytes"
      case peak = "peak_bytes"
      case method
    }
  }

  struct Acceleration: Encodable {
    let used: String
    let fullyAccelerated: Bool?
    let registered: [String]
    let notes: [String]

    enum CodingKeys: String, CodingKey {
      case used
      case fullyAccelerated = "fully_accelerated"
      case registered, notes
    }
  }

  struct Output: Encodable {
    let name: String
    let dtype: String
    let shape: [Int]
    let sha256: String
    let file: String?
  }

  struct Placement: Encodable {
    let op: String
    let type: String
    let device: String
    let supported: [String]
    let cost: Double?
  }

  struct Thermal: Encodable {
    let at: Double
    let state: Int

    enum CodingKeys: String, CodingKey {
      case at = "at_s"
      case state
    }
  }

  struct Battery: Encodable {
    let at: Double
    let level: Double?
    let state: String
    let lowPowerMode: Bool

    enum CodingKeys: String, CodingKey {
      case at = "at_s"
      case level, state
      case lowPowerMode = "low_power_mode"
    }
  }

  let schemaVersion = 1
  let runner: Runner
  let model: String
  let pid: Int32
  let settings: Settings
  let clock: Clock
  let load: Double
  let loads: Loads
  let warmupLatencies: [Double]
  let latencies: [Double]
  let starts: [Double]
  let cpuTime: CpuTime
  let memory: Memory
  let acceleration: Acceleration
  let outputs: [Output]
  let placement: [Placement]
  let thermal: [Thermal]
  let battery: [Battery]
  let machine: [String: String]

  enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case runner, model, pid, settings, clock
    case load = "load_s"
    case loads
    case warmupLatencies = "warmup_latencies_s"
    case latencies = "latencies_s"
    case starts = "starts_s"
    case cpuTime = "cpu_time"
    case memory, acceleration, outputs, placement, thermal, battery, machine
  }
}

/// What was asked for; the same in the plan and in the document.
struct Settings: Codable {
  let accelerator: String
  let threads: Int
  let warmupRuns: Int
  let runs: Int
  let minSeconds: Double
  let cpus: [Int]
  let input: String
  let seed: UInt64

  enum CodingKeys: String, CodingKey {
    case accelerator, threads
    case warmupRuns = "warmup_runs"
    case runs
    case minSeconds = "min_s"
    case cpus, input, seed
  }
}
