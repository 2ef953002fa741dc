@MainActor
public final class UIDevice {
  public enum BatteryState: Int, Sendable {
    case unknown = 0
    case unplugged = 1
    case charging = 2
    case full = 3
  }
  public static var current: UIDevice { fatalError("interface only") }
  public var isBatteryMonitoringEnabled: Bool {
    get { fatalError("interface only") }
    set {}
  }
  public var batteryLevel: Float { fatalError("interface only") }
  public var batteryState: BatteryState { fatalError("interface only") }
}

@MainActor
public final class UIApplication {
  public static var shared: UIApplication { fatalError("interface only") }
  public var isIdleTimerDisabled: Bool {
    get { fatalError("interface only") }
    set {}
  }
}
