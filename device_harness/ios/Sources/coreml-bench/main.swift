import CoreMLBench
import Foundation

let folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
exit(await Command.run(Array(CommandLine.arguments.dropFirst()), folder: folder))
