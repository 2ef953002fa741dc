"""Graphs of a source that coremltools reads."""
