"""Everything that decides how a task reads and measures outputs, for cache keys."""

from pathlib import Path
from typing import Any

from exporter.data.settings.task import TaskSettings
from exporter.sources.factories import import_attribute
from exporter.sources.fingerprint import Fingerprint
from exporter.store.given import given_digest


def task_key(settings: TaskSettings | None) -> Any:
    """The settings, what their files hold, and the code of the user's own functions; None for no task.

    Raises:
        UsageProblem: one cannot be read.
    """
    if settings is None:
        return None
    files = [given_digest(Path(name)) for name in settings.files]
    return settings.model_dump(mode="json"), files, [_code(name) for name in settings.functions]


def _code(name: str) -> str:
    fingerprint = Fingerprint()
    fingerprint.add(import_attribute(name))
    return fingerprint.hexdigest()
