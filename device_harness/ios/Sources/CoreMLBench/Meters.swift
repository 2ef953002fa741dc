import Darwin
import Foundation

/// Clocks of this process, in seconds.
enum Clock {
  /// Time since an arbitrary point that goes on while the device sleeps (mach_continuous_time).
  static func now() -> Double { seconds(CLOCK_MONOTONIC_RAW) }

  /// User and system time of all threads of this process.
  static func processTime() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

  /// User and system time of the calling thread.
  static func threadTime() -> Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

  private static func seconds(_ clock: clockid_t) -> Double {
    Double(clock_gettime_nsec_np(clock)) / 1e9
  }
}

/// Physical footprint: what the system counts against the process and kills it for.
enum Footprint {
  struct Reading {
    let now: UInt64
    let peak: UInt64
  }

  /// The footprint now and at its highest since the process began, in bytes; nil when the kernel refuses.
  static func read() -> Reading? {
    var info = task_vm_info_data_t()
    var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size)
    let status = withUnsafeMutablePointer(to: &info) { pointer in
      pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
        task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
      }
    }
    guard status == KERN_SUCCESS else { return nil }
    return Reading(now: info.phys_footprint, peak: UInt64(max(info.ledger_phys_footprint_peak, 0)))
  }
}

/// Facts of the system that a reading must carry.
enum Machine {
  static func facts() -> [String: String] {
    [
      "model": environment("SIMULATOR_MODEL_IDENTIFIER") ?? control("hw.machine"),
      "system": ProcessInfo.processInfo.operatingSystemVersionString,
      "kernel": control("kern.osrelease"),
      "cpus": String(ProcessInfo.processInfo.activeProcessorCount),
      "memory_bytes": String(ProcessInfo.processInfo.physicalMemory),
      "simulator": String(environment("SIMULATOR_UDID") != nil),
    ]
  }

  private static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  private static func control(_ name: String) -> String {
    var size = 0
    guard sysctlbyname(name, nil, &size, nil, 0) == 0, size > 0 else { return "unknown" }
    var value = [CChar](repeating: 0, count: size)
    guard sysctlbyname(name, &value, &size, nil, 0) == 0 else { return "unknown" }
    return String(cString: value)
  }
}
