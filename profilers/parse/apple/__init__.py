"""Samples out of the output of Apple's tools: xctrace, powermetrics, and pymobiledevice3."""
