"""Why coremltools refused a model."""

import re
from collections.abc import Callable

from exporter.data.errors import ToolError, first_line
from exporter.formats.common.refusals import place, refusal

_WHILE_CONVERTING = re.compile(r"converting '([\w.:]+)' op \(located at: '(.*?)'\)")
_BEFORE = re.compile(r"Unsupported fx node (?P<name>\S+), kind ([\w.:]+)")


def coreml_refusal(error: Exception, said: str, place_of: Callable[[str], str]) -> ToolError:
    """Why coremltools refused a model.

    Args:
        error: that it raised.
        said: what it logged.
        place_of: where the graph's first node with an operator comes from, empty where unknown.
    """
    converting, before = _WHILE_CONVERTING.search(said), _BEFORE.search(str(error))
    named = converting[1] if converting else before[2] if before else ""
    operator = named.rpartition("::")[2].partition(".")[0]
    unknown = before is not None or (converting is not None and "not implemented" in str(error))
    found_at = place_of(operator) if operator else ""
    scope = converting[2].replace("/", ".") if converting else ""
    where = found_at or (place(scope, "") if scope else "")
    return refusal("coremltools", operator, where, "" if unknown else first_line(error))
