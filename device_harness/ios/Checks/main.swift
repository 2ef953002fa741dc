// Runs on Linux after Document.swift, Numbers.swift and Plan.swift, which need nothing of Apple's: reads the plan that is
// given, checks the arithmetic, and prints the document that the runner's own encoder makes of fixed values.
for step in 0..<100_000 {
  var generator = SplitMix64(state: UInt64(step))
  let value = Float(generator.unit())
  precondition(value >= -1 && value < 1, "unit() left [-1, 1)")
  precondition(abs(value) < 6.2e-5 || halfBits(value) == Float16(value).bitPattern, "halfBits(\(value)) is wrong")
}

let plan = try Plan.read(URL(fileURLWithPath: CommandLine.arguments[CommandLine.arguments.count - 1]))
let document = Document(
  runner: Document.Runner(runtime: "Core ML (Version 18.2 (Build 22C152))"),
  model: plan.model,
  pid: 512,
  settings: plan.settings,
  clock: Document.Clock(loadStart: 1000.25, warmupStart: 1001, measureStart: 1001.5, measureEnd: 1001.625),
  load: 0.5,
  loads: Document.Loads(compile: 0.25, cold: 0.25, warm: 0.125),
  warmupLatencies: [0.25, 0.0625],
  latencies: [0.03125, 0.015625, 0.03125],
  starts: [1001.5, 1001.53125, 1001.5625],
  cpuTime: Document.CpuTime(process: 0.0625, thread: 0.03125, perInference: [0.03125, 0.015625, 0.015625]),
  memory: Document.Memory(
    beforeLoad: 20_971_520, afterLoad: 41_943_040, peak: 62_914_560, method: "peak phys_footprint"),
  acceleration: Document.Acceleration(
    used: "mixed", fullyAccelerated: false, registered: ["cpu", "gpu", "ane"],
    notes: ["by MLComputePlan: the framework's preference, not an observation"]),
  outputs: [
    Document.Output(
      name: "probabilities", dtype: "float32", shape: [1, 1000],
      sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", file: nil)
  ],
  placement: [
    Document.Placement(
      op: "conv_0", type: "ios17.conv", device: "ane", supported: ["cpu", "gpu", "ane"], cost: 0.96875),
    Document.Placement(op: "softmax_0", type: "ios16.softmax", device: "cpu", supported: ["cpu"], cost: 0.03125),
    Document.Placement(op: "reshape_0", type: "ios16.reshape", device: "cpu", supported: ["cpu"], cost: nil),
  ],
  thermal: [Document.Thermal(at: 1000.25, state: 0), Document.Thermal(at: 1001.625, state: 1)],
  battery: [Document.Battery(at: 1000.25, level: 0.75, state: "unplugged", lowPowerMode: false)],
  machine: ["model": "iPhone15,2", "simulator": "false"])
let encoder = JSONEncoder()
encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
print(String(decoding: try encoder.encode(document), as: UTF8.self))
