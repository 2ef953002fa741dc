#!/usr/bin/env bash
# Runs `mobile-export $ARGUMENTS`; leaves comment.md for the pull request, and the exit code as an output of the step.
# The exit code of this script is 0, so that later steps tell what was found before the last one fails.
set -uo pipefail

folder="$RUNNER_TEMP/mobile-export"
mkdir -p "$folder"
mapfile -t words < <(printf '%s\n' "$ARGUMENTS" | xargs -n 1 printf '%s\n') # quotes as in a shell, and nothing is run

before="$folder/baseline/$(basename "${RECORD:-none}")"
if [ "${words[0]}" = budget ] && [ -n "${RECORD:-}" ]; then # what the user gives comes later, and so wins
  words=(budget --baseline "$before" --write-baseline "$RECORD" "${words[@]:1}")
fi
mobile-export "${words[@]}" -f github --report "markdown=$folder/report.md" --summary "$GITHUB_STEP_SUMMARY"
code=$?
echo "exit-code=$code" >> "$GITHUB_OUTPUT"

: > "$folder/comment.md"
if [ -n "${RECORD:-}" ] && [ -f "$RECORD" ] && [ -f "$before" ] && grep -q '"targets"' "$RECORD"; then
  if ! mobile-export compare "$before" "$RECORD" -f markdown > "$folder/comment.md"; then
    echo "The baseline could not be compared; the log says why." > "$folder/comment.md"
  fi
elif [ -n "${RECORD:-}" ] && [ ! -f "$before" ]; then
  echo "There is no baseline of the base branch to compare with." >> "$folder/comment.md"
fi
if [ -f "$folder/report.md" ]; then
  printf '\n' >> "$folder/comment.md"
  cat "$folder/report.md" >> "$folder/comment.md"
else
  printf '\nmobile-export ended with exit code %s and left no report; the log says why.\n' "$code" >> "$folder/comment.md"
fi
