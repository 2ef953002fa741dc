"""Contract suites: one an interface, run by every implementation."""
