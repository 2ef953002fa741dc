import Foundation

#if os(iOS) || COREML_BENCH_CHECK
  import UIKit
#endif

/// Thermal state over time, noted when it changes; and the battery at a few moments.
final class Conditions {
  private(set) var thermal: [Document.Thermal] = []
  private(set) var battery: [Document.Battery] = []

  /// Notes the thermal state when it differs from the last one; cheap enough for the measuring loop.
  func noteThermal(always: Bool = false) {
    let state = level(ProcessInfo.processInfo.thermalState)
    if always || thermal.last?.state != state {
      thermal.append(Document.Thermal(at: Clock.now(), state: state))
    }
  }

  /// Notes the battery where the system tells an app about it (iPhone and iPad).
  func noteBattery() async {
    #if os(iOS) || COREML_BENCH_CHECK
      let reading = await MainActor.run { () -> (level: Float, state: UIDevice.BatteryState) in
        UIDevice.current.isBatteryMonitoringEnabled = true
        return (UIDevice.current.batteryLevel, UIDevice.current.batteryState)
      }
      battery.append(
        Document.Battery(
          at: Clock.now(),
          level: reading.level < 0 ? nil : Double(reading.level),
          state: name(reading.state),
          lowPowerMode: ProcessInfo.processInfo.isLowPowerModeEnabled))
    #endif
  }

  private func level(_ state: ProcessInfo.ThermalState) -> Int {
    switch state {
    case .nominal: return 0
    case .fair: return 1
    case .serious: return 2
    case .critical: return 3
    @unknown default: return 3
    }
  }

  #if os(iOS) || COREML_BENCH_CHECK
    private func name(_ state: UIDevice.BatteryState) -> String {
      switch state {
      case .unplugged: return "unplugged"
      case .charging: return "charging"
      case .full: return "full"
      case .unknown: return "unknown"
      @unknown default: return "unknown"
      }
    }
  #endif
}
