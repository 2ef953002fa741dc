import Foundation
@_exported import Glibc

public func clock_gettime_nsec_np(_ clock: clockid_t) -> UInt64 { fatalError("interface only") }

public typealias mach_port_t = UInt32
public typealias task_flavor_t = UInt32
public typealias natural_t = UInt32
public typealias integer_t = Int32
public typealias kern_return_t = Int32
public typealias mach_msg_type_number_t = UInt32
public let KERN_SUCCESS: kern_return_t = 0
public let TASK_VM_INFO: Int32 = 22
nonisolated(unsafe) public var mach_task_self_: mach_port_t = 0

public struct task_vm_info_data_t {
  public init() {}
  public var phys_footprint: UInt64 = 0
  public var ledger_phys_footprint_peak: Int64 = 0
}

public func task_info(
  _ target: mach_port_t, _ flavor: task_flavor_t, _ info: UnsafeMutablePointer<integer_t>!,
  _ count: UnsafeMutablePointer<mach_msg_type_number_t>!
) -> kern_return_t { fatalError("interface only") }

public func sysctlbyname(
  _ name: UnsafePointer<CChar>!, _ old: UnsafeMutableRawPointer!, _ oldLength: UnsafeMutablePointer<Int>!,
  _ new: UnsafeMutableRawPointer!, _ newLength: Int
) -> Int32 { fatalError("interface only") }

public func autoreleasepool<Result>(invoking body: () throws -> Result) rethrows -> Result {
  fatalError("interface only")
}

// Foundation of Apple systems has more than Foundation of Linux.
extension ProcessInfo {
  public enum ThermalState: Int {
    case nominal = 0
    case fair = 1
    case serious = 2
    case critical = 3
  }
  public var thermalState: ThermalState { fatalError("interface only") }
  public var isLowPowerModeEnabled: Bool { fatalError("interface only") }
}
