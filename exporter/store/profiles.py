"""What `profile -f json` wrote, read again."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile

VERSION = 1


def load_profiles(path: Path) -> tuple[DeviceProfile, ...]:
    """The profiles in a file that `profile -f json` wrote.

    Raises:
        UsageProblem: unreadable, or no such file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageProblem(f"{path} is not JSON: {error}") from error
    return parse_profiles(document, str(path))


def is_profiles(document: Any) -> bool:
    """Whether a document is one of profiles, damaged or not."""
    return isinstance(document, dict) and "profiles" in document and "targets" not in document


def parse_profiles(document: Any, where: str) -> tuple[DeviceProfile, ...]:
    """The profiles of a document.

    Raises:
        UsageProblem: it is of another kind or version, or damaged.
    """
    if not is_profiles(document) or document.get("schema_version") != VERSION:
        raise UsageProblem(f"{where} is not what `mobile-export profile -f json` writes (schema version {VERSION}).")
    try:
        return tuple(DeviceProfile.model_validate(item) for item in document["profiles"])
    except (TypeError, ValidationError) as error:
        raise UsageProblem(f"{where} is damaged: {error}") from error
