#!/bin/sh
# Stands in for an Android program: replays FAKE_ANDROID/replies/"NAME ARGUMENTS", and notes that it was called.
# FAKE_ANDROID/fault tells how to misbehave; its first word is the fault, the second the program that has it.
name=${0##*/}
echo "$name $*" >> "$FAKE_ANDROID/calls"
reply="$FAKE_ANDROID/replies/$name $*"
[ -f "$reply" ] || reply="$FAKE_ANDROID/replies/$name"
read -r fault who < "$FAKE_ANDROID/fault" 2>/dev/null
[ "${who:-$name}" = "$name" ] || fault=none
case $fault in
  slow) sleep 0.2 ;;
  hang) sleep 600 ;;
  garbled) head -c 3000 /dev/urandom; exit 0 ;;
  truncated) head -c 90 "$reply"; exit 0 ;;
  refusing) echo "Permission denied" >&2; exit 1 ;;
esac
[ -x "$reply" ] && exec "$reply" "$@"
[ -f "$reply" ] && exec cat "$reply"
echo "$name: no such service: $*" >&2
exit 1
