import CryptoKit
import Foundation

enum Digest {
  /// SHA-256 as hexadecimal text.
  static func sha256(_ bytes: Data) -> String {
    SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
  }
}
