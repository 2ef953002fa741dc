#!/bin/sh
# A Run Script phase after Copy Bundle Resources: "$SRCROOT/integrations/xcode/check-sizes.sh"
# Add $(CODESIGNING_FOLDER_PATH) to the phase's input files. Debug builds are not looked at.
set -eu

if [ "$CONFIGURATION" != Release ]; then
  exit 0
fi
export PATH="$HOME/.local/bin:/opt/homebrew/bin:$PATH"
if ! command -v mobile-export > /dev/null; then
  echo "error: mobile-export is not installed: pipx install mobile-export" >&2
  exit 1
fi
set -- budget "$CODESIGNING_FOLDER_PATH" --store app-store --minimum-os "$IPHONEOS_DEPLOYMENT_TARGET"
if [ -f "$SRCROOT/budgets.toml" ]; then
  set -- "$@" --budgets "$SRCROOT/budgets.toml"
fi
exec mobile-export "$@"
