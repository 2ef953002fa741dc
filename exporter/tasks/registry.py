"""Tasks by name."""

from functools import cache
from importlib import import_module

from exporter.tasks.task import Task

_MODULES = {
    "detection": "exporter.tasks.detection.task",
    "segmentation": "exporter.tasks.segmentation",
}


@cache
def task_named(name: str) -> Task:
    """The task that settings name."""
    found: Task = import_module(_MODULES[name]).TASK
    return found
