"""Why coremltools refused a model."""

import re
from typing import Any

from exporter.data.errors import ToolError, first_line
from exporter.formats.common.refusals import place, place_of, refusal


def coreml_refusal(error: Exception, said: str, graph: Any) -> ToolError:
    """Why coremltools refused a model; `said` is what it logged."""
    found = re.search(r"converting '(\w+)' op \(located at: '(.*?)'\)", said)
    operator = found[1] if found else ""
    why = "" if "not implemented" in str(error) and operator else first_line(error)
    found_at = place_of(graph, operator) if operator else ""
    return refusal("coremltools", operator, found_at or (place(found[2].replace("/", "."), "") if found else ""), why)
