/// Bits of the IEEE half-precision number nearest to `value`, for magnitudes below 2; below 2^-14 it is zero. Swift's own
/// Float16 does not exist on Intel Macs.
func halfBits(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  let sign = UInt16((bits >> 16) & 0x8000)
  let exponent = Int((bits >> 23) & 0xFF) - 127 + 15
  if exponent <= 0 { return sign }
  let mantissa = bits & 0x7FFFFF
  // To the nearest, ties to even; a carry goes into the exponent, as it should.
  let rounded = (UInt32(exponent) << 10) + ((mantissa + 0x0FFF + ((mantissa >> 13) & 1)) >> 13)
  return sign | UInt16(truncatingIfNeeded: rounded)
}

/// A small, well distributed, reproducible generator (Steele, Lea and Flood, 2014).
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A value in [-1, 1).
  mutating func unit() -> Double {
    Double(next() >> 11) / Double(UInt64(1) << 52) - 1
  }
}
