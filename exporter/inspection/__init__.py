"""What is inside an artifact, whoever made it."""

from exporter.inspection.facts import Inspection
from exporter.inspection.inspect import inspect

__all__ = ["Inspection", "inspect"]
