import Darwin
import Foundation

/// How the app is driven without a console: `--session FOLDER -- COMMAND...`, FOLDER relative to the app's container.
/// Standard output and standard error go to `stdout` and `stderr` in FOLDER; when the command has ended, its code is in
/// `exit`, which appears last and whole.
public enum Session {
  /// Runs the command in the arguments and ends the process with its code.
  public static func main(_ arguments: [String]) async -> Never {
    guard arguments.count >= 4, arguments[1] == "--session", arguments[3] == "--" else {
      Command.complain("Started by hand. The host starts this app with --session FOLDER -- COMMAND.")
      exit(Command.misused)
    }
    let container = URL(fileURLWithPath: NSHomeDirectory(), isDirectory: true)
    let folder = container.appendingPathComponent(arguments[2], isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      Command.complain("\(folder.path) cannot be made: \(error)")
      exit(Command.failed)
    }
    guard redirect(STDOUT_FILENO, to: folder, "stdout"), redirect(STDERR_FILENO, to: folder, "stderr") else {
      exit(Command.failed)
    }
    let code = await Command.run(Array(arguments.dropFirst(4)), folder: container)
    fflush(nil)
    do {
      try Data("\(code)\n".utf8).write(to: folder.appendingPathComponent("exit"), options: .atomic)
    } catch {
      Command.complain("the exit code cannot be written: \(error)")
    }
    exit(code)
  }

  private static func redirect(_ descriptor: Int32, to folder: URL, _ name: String) -> Bool {
    let file = open(folder.appendingPathComponent(name).path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { return false }
    defer { close(file) }
    return dup2(file, descriptor) >= 0
  }
}
