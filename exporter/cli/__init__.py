"""The commands: each file parses options, calls one use case, renders, and returns the exit code."""
