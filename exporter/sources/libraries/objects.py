"""Files of JSON that libraries write beside weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.store.given import given_text


def read_object(path: Path) -> Mapping[str, Any]:
    """A file of one JSON object.

    Raises:
        UsageProblem: it is none.
    """
    try:
        found = json.loads(given_text(path, advice="it must be JSON"))
    except ValueError as error:
        raise UsageProblem(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UsageProblem(f"{path} is not a JSON object: it must be a configuration that a library wrote.")
    return found
