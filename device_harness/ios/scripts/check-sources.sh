#!/usr/bin/env bash
# Checks the Swift sources without a Mac: syntax, types against the interfaces in Stubs/, formatting, and by running what
# needs nothing of Apple's: the plan's decoder, the document's encoder and the arithmetic of inputs.
# Usage: check-sources.sh [ROOT]   ROOT: a folder that Debian 13's swiftlang and its libraries were unpacked into
# (scripts/unpack-swift.sh); without it, swift-frontend and swift-format must be on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:-}

swift() { # PROGRAM ARGUMENTS...: through the unpacked folder's own loader when there is one
  local program=$1
  shift
  if [ -n "$root" ]; then
    local libraries=$root/usr/lib/x86_64-linux-gnu
    "$libraries/ld-linux-x86-64.so.2" \
      --library-path "$libraries:$root/usr/libexec/swift/lib/swift/linux:$root/usr/libexec/swift/lib/swift/host" \
      "$root/usr/libexec/swift/bin/$program" "$@"
  else
    "$program" "$@"
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-frontend -swift-version 5 -module-cache-path "$work/cache" -I "$work" -D COREML_BENCH_CHECK)
if [ -n "$root" ]; then
  flags+=(-sdk "$root" -resource-dir "$root/usr/libexec/swift/lib/swift" -L "$root/usr/libexec/swift/lib/swift/linux")
fi

module() { # NAME SOURCES...
  local name=$1
  shift
  swift swift-frontend "${flags[@]}" -emit-module -parse-as-library -module-name "$name" -o "$work/$name.swiftmodule" "$@"
}

for name in CoreVideo CoreML Darwin CryptoKit os UIKit SwiftUI; do
  module "$name" "Stubs/$name.swift"
done
module CoreMLBench Sources/CoreMLBench/*.swift
swift swift-frontend "${flags[@]}" -typecheck -module-name coreml_bench Sources/coreml-bench/main.swift
# The app compiles the library's sources into its own module.
swift swift-frontend "${flags[@]}" -typecheck -parse-as-library -module-name CoreMLBenchApp App/*.swift Sources/CoreMLBench/*.swift
swift swift-format lint --strict --configuration .swift-format --recursive Sources App Checks Package.swift

cat Sources/CoreMLBench/{Document,Numbers,Plan}.swift Checks/main.swift >"$work/check.swift"
swift swift-frontend "${flags[@]}" -interpret "$work/check.swift" -lFoundation -- "$PWD/sample_plan.json" >"$work/document.json"
diff sample_document.json "$work/document.json" || {
  echo "sample_document.json is not what the runner's encoder writes now" >&2
  exit 1
}
echo "Swift sources: syntax, types (against Stubs/), formatting, plan decoder and document encoder hold."
