"""Any result as JSON, in the one envelope that carries a `schema_version`."""

import json
import math
from typing import Any

from exporter.report.renderer import Result, View

# As pydantic writes them into run.json: JSON has no words for them.
_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def render(result: Result, view: View) -> str:
    """One object: the schema version, then the whole of the result."""
    return text_of({"schema_version": result.schema_version, **result.document()})


def text_of(document: dict[str, Any]) -> str:
    """`document` as JSON text; frozen models as their fields, NaN and infinities as words."""
    return json.dumps(_plain(document), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return _WORDS.get(value, "NaN")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(value.model_dump(mode="json")) if hasattr(value, "model_dump") else value
