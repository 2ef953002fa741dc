#!/usr/bin/env bash
# Checks the Swift sources without a Mac: syntax, types against the interfaces in Stubs/, formatting, and by running what
# needs nothing of Apple's: the plan's decoder, the document's encoder, the arithmetic of inputs, the app's protocol.
# Usage: check-sources.sh [ROOT]   ROOT: a folder that Debian 13's Swift was unpacked into:
#   .ci/debian13 ROOT amd64 swiftlang libc6-dev linux-libc-dev libgcc-14-dev libstdc++-14-dev
# Without it, swift-frontend and swift-format must be on PATH.
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

# The app's protocol with the host: sessions with streams and code, receiving files, removing what is left.
cat Sources/CoreMLBench/{Plan,Command,Digest,Session}.swift Checks/session.swift |
  sed 's/^import Darwin/import Glibc/; /^import CryptoKit/d' >"$work/session.swift"
home=$work/home
session() { # FOLDER COMMAND...: run by the real Session and Command, with $home as the app's container
  HOME=$home CFFIXED_USER_HOME=$home swift swift-frontend "${flags[@]}" -interpret "$work/session.swift" -lFoundation -- \
    --session "$1" -- "${@:2}"
}
expect() { # WHAT FILE PATTERN
  grep -q -- "$3" "$home/$2" || {
    echo "the session protocol fails: $1 ($2 has: $(cat "$home/$2"))" >&2
    exit 1
  }
}
mkdir -p "$home/W"
digest=8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4 # of "hi"
printf hi >"$home/W/.part"
session W/1 receive W/.part W/a/file 2 "$digest"
expect "a whole file is taken" W/1/exit '^0$'
expect "it has its name" W/a/file '^hi$'
printf ho >"$home/W/.part"
session W/2 receive W/.part W/b 2 "$digest" && exit 1
expect "a damaged file is refused" W/2/exit '^1$'
expect "and said why" W/2/stderr 'did not arrive whole'
[ ! -e "$home/W/b" ] && [ ! -e "$home/W/.part" ]
session W/3 clock
expect "the clock is printed" W/3/stdout '^[0-9.]*$'
session W/4 dance && exit 1
expect "unknown commands are misuse" W/4/exit '^2$'
HOME=$home CFFIXED_USER_HOME=$home swift swift-frontend "${flags[@]}" -interpret "$work/session.swift" -lFoundation -- --remove W
[ ! -e "$home/W" ]

echo "Swift sources: syntax, types (against Stubs/), formatting, plan decoder, document encoder and session protocol hold."
