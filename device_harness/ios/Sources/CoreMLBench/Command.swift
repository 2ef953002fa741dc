import Darwin
import Foundation

/// What the runner can be asked to do, in the app and in the command-line tool alike.
///
///     bench PLAN                          run a plan
///     clock                               print the clock of the bench document, in seconds
///     receive PART NAME BYTES SHA256      check a file that was copied here, and give it its name
///     remove PATH                         remove a file or folder
public enum Command {
  public static let succeeded: Int32 = 0
  public static let failed: Int32 = 1
  public static let misused: Int32 = 2

  /// Runs a command; relative paths are taken from `folder`. Errors go to standard error.
  public static func run(_ arguments: [String], folder: URL) async -> Int32 {
    do {
      try await dispatch(arguments, folder: folder)
      return succeeded
    } catch let error as BenchError {
      complain(error.description)
      if case .usage = error { return misused }
      return failed
    } catch {
      complain("\(error)")
      return failed
    }
  }

  private static func dispatch(_ arguments: [String], folder: URL) async throws {
    let rest = Array(arguments.dropFirst())
    switch (arguments.first, rest.count) {
    case ("bench", 1): try await Bench.run(planFile: resolve(rest[0], folder))
    case ("clock", 0): print(Clock.now())
    case ("receive", 4):
      try receive(resolve(rest[0], folder), as: resolve(rest[1], folder), bytes: rest[2], sha256: rest[3])
    case ("remove", 1): try remove(resolve(rest[0], folder))
    default: throw BenchError.usage("bench PLAN, clock, receive PART NAME BYTES SHA256, or remove PATH")
    }
  }

  private static func resolve(_ path: String, _ folder: URL) -> URL {
    path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
  }

  private static func receive(_ part: URL, as name: URL, bytes: String, sha256: String) throws {
    let content = try Data(contentsOf: part, options: .alwaysMapped)
    guard String(content.count) == bytes, Digest.sha256(content) == sha256 else {
      try remove(part)
      throw BenchError.transfer("\(name.lastPathComponent) has \(content.count) of \(bytes) bytes, or differs")
    }
    try FileManager.default.createDirectory(
      at: name.deletingLastPathComponent(), withIntermediateDirectories: true)
    guard rename(part.path, name.path) == 0 else {
      throw BenchError.transfer("\(name.path) could not be named: \(String(cString: strerror(errno)))")
    }
  }

  private static func remove(_ path: URL) throws {
    if FileManager.default.fileExists(atPath: path.path) { try FileManager.default.removeItem(at: path) }
  }

  static func complain(_ message: String) {
    FileHandle.standardError.write(Data((message + "\n").utf8))
  }
}
