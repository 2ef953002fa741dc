public struct OSSignpostIntervalState {}

public struct OSSignposter: Sendable {
  public init(subsystem: String, category: String) {}
  public func beginInterval(_ name: StaticString) -> OSSignpostIntervalState { fatalError("interface only") }
  public func endInterval(_ name: StaticString, _ state: OSSignpostIntervalState) {}
}
