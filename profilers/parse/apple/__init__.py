"""Samples out of the output of Apple's tools: xctrace, powermetrics, XCTest, MetricKit, and pymobiledevice3."""
