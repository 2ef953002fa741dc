"""What a page shows, as JSON inside it, for whoever reads it by program: ``<script id="result">``."""

import json
from typing import Any

from markupsafe import Markup

from exporter.data.results.search import SearchResult
from exporter.report.json import text_of
from exporter.report.renderer import Result

_MARKUP = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def embedded(result: Result) -> Markup:
    """As ``-f json`` gives it, with the kind, and without what would make pages large; ``left_out`` names that.

    Of a run, what is inside the artifacts (it is in run.json); of profiles, single samples; of a search, how points
    store their layers (`<script id="layers">` has that).
    """
    document, left_out = _shortened(result)
    facts = {"schema_version": result.schema_version, "kind": result.kind, "left_out": left_out, **document}
    return as_script(json.loads(text_of(facts)))


def as_script(document: Any) -> Markup:
    """JSON that no name in it can end."""
    return Markup(json.dumps(document, separators=(",", ":")).translate(_MARKUP))  # noqa: S704 - escaped here


def _shortened(result: Any) -> tuple[dict[str, Any], list[str]]:
    match result.kind:
        case "run":
            targets = [target.model_copy(update={"inspection": None}) for target in result.record.targets]
            record = result.record.model_copy(update={"targets": tuple(targets)})
            return record.model_dump(mode="json"), ["targets[].inspection"]
        case "profile":
            return {**result.document(), "profiles": result.summaries()}, ["samples: profiles are as run.json has them"]
        case "search":
            return _without_storages(result), ["targets{}[].plan.storages", "targets{}[].plan.settings"]
        case _:
            return result.document(), []


def _without_storages(result: SearchResult) -> dict[str, Any]:
    document = result.document()
    for points in document["targets"].values():
        for point in points:
            point["plan"] = {**point["plan"], "storages": {}, "settings": ""}
    return document
