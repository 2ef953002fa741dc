"""The gate on the newest runs: verdicts, then the trends that they come from."""

from exporter.report.html.history import facts

__all__ = ["facts"]
