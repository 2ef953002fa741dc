// Runs on Linux after Command.swift, Digest.swift, Plan.swift and Session.swift: the app's protocol with the host, for real.
// What needs Apple is stood in for: the digest is written out, and a bench run only reads its plan.
enum SHA256 {
  static func hash(data: Data) -> [UInt8] {
    var state = primes(8).map { fraction(Double($0).squareRoot()) }
    let keys = primes(64).map { fraction(cbrt(Double($0))) }
    for block in padded(data) {
      var words = block
      for index in 16..<64 {
        let (old, new) = (words[index - 15], words[index - 2])
        let first = rotate(old, 7) ^ rotate(old, 18) ^ (old >> 3)
        let second = rotate(new, 17) ^ rotate(new, 19) ^ (new >> 10)
        words.append(words[index - 16] &+ first &+ words[index - 7] &+ second)
      }
      var now = state
      for index in 0..<64 {
        let choice = (now[4] & now[5]) ^ (~now[4] & now[6])
        let sum = rotate(now[4], 6) ^ rotate(now[4], 11) ^ rotate(now[4], 25)
        let left = now[7] &+ sum &+ choice &+ keys[index] &+ words[index]
        let majority = (now[0] & now[1]) ^ (now[0] & now[2]) ^ (now[1] & now[2])
        let right = (rotate(now[0], 2) ^ rotate(now[0], 13) ^ rotate(now[0], 22)) &+ majority
        now = [left &+ right, now[0], now[1], now[2], now[3] &+ left, now[4], now[5], now[6]]
      }
      state = zip(state, now).map { $0 &+ $1 }
    }
    return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
  }

  private static func primes(_ count: Int) -> [Int] {
    Array((2...).lazy.filter { candidate in !(2..<candidate).contains { candidate % $0 == 0 } }.prefix(count))
  }

  private static func fraction(_ value: Double) -> UInt32 { UInt32((value - value.rounded(.down)) * 4_294_967_296) }

  private static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { (word >> by) | (word << (32 - by)) }

  private static func padded(_ data: Data) -> [[UInt32]] {
    var bytes = [UInt8](data) + [0x80]
    bytes += [UInt8](repeating: 0, count: (120 - bytes.count % 64) % 64)
    bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: (8 * data.count) >> (8 * $0)) }
    return stride(from: 0, to: bytes.count, by: 64).map { block in
      stride(from: block, to: block + 64, by: 4).map { at in bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
    }
  }
}

enum Bench {
  static func run(planFile file: URL) async throws { _ = try Plan.read(file) }
}

enum Clock {
  static func now() -> Double { ProcessInfo.processInfo.systemUptime }
}

struct Settings: Codable {
  let warmupRuns: Int
  let runs: Int
  let input: String

  enum CodingKeys: String, CodingKey {
    case warmupRuns = "warmup_runs"
    case runs, input
  }
}

let own = CommandLine.arguments.drop { $0 != "--session" && $0 != "--remove" }
await Session.main(["app"] + own)
