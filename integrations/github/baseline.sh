#!/usr/bin/env bash
# Puts what the last good run of this workflow on $BASE kept under $RUNNER_TEMP/mobile-export/baseline; without one, says so.
set -euo pipefail

folder="$RUNNER_TEMP/mobile-export/baseline"
mkdir -p "$folder"
run=$(gh run list --repo "$GITHUB_REPOSITORY" --workflow "$GITHUB_WORKFLOW" --branch "$BASE" --status success \
  --limit 1 --json databaseId --jq '.[0].databaseId // empty')
if [ -z "$run" ] || ! gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$NAME-baseline" --dir "$folder"; then
  echo "::notice title=mobile-export::no baseline: no good run of this workflow on $BASE kept one"
fi
