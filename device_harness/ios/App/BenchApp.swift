import Foundation
import SwiftUI

#if os(iOS) || COREML_BENCH_CHECK
  import UIKit
#endif

/// A single screen that stays awake; the work is asked for by the arguments that the host launches the app with.
@main
struct BenchApp: App {
  var body: some Scene {
    WindowGroup {
      Text("Core ML bench is running. Leave this screen open.")
        .padding()
        .task {
          #if os(iOS) || COREML_BENCH_CHECK
            UIApplication.shared.isIdleTimerDisabled = true
          #endif
          let arguments = ProcessInfo.processInfo.arguments
          // Off the main actor: measuring must not compete with drawing.
          await Task.detached(priority: .userInitiated) { await Session.main(arguments) }.value
        }
    }
  }
}
