import Darwin
import Foundation

/// How the app is driven without a console: `--session FOLDER -- COMMAND...`, FOLDER relative to the app's container.
/// Standard output and standard error go to `stdout` and `stderr` in FOLDER; when the command has ended, its code is in
/// `exit`, which appears last and whole. `--remove FOLDER` removes what sessions left, and leaves nothing itself.
public enum Session {
  /// Runs the command in the arguments and ends the process with its code.
  public static func main(_ arguments: [String]) async -> Never {
    // Launchers differ in whether they pass on the `--` before an app's own arguments.
    let own = arguments.dropFirst().drop { $0 == "--" }.map { $0 }
    if own.count == 2, own[0] == "--remove" {
      exit(await Command.run(["remove", own[1]], folder: URL(fileURLWithPath: NSHomeDirectory(), isDirectory: true)))
    }
    guard own.count >= 3, own[0] == "--session", own[2] == "--" else {
      Command.complain("Started by hand. The host starts this app with --session FOLDER -- COMMAND.")
      exit(Command.misused)
    }
    let container = URL(fileURLWithPath: NSHomeDirectory(), isDirectory: true)
    let folder = container.appendingPathComponent(own[1], isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      Command.complain("\(folder.path) cannot be made: \(error)")
      exit(Command.failed)
    }
    guard redirect(STDOUT_FILENO, to: folder, "stdout"), redirect(STDERR_FILENO, to: folder, "stderr") else {
      exit(Command.failed)
    }
    let code = await Command.run(Array(own.dropFirst(3)), folder: container)
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
