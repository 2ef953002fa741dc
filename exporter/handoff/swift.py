"""The Swift package: plain Swift that runs anywhere, the code that calls the runtime, and an XCTest."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from exporter.data.facts.handoff import Handoff
from exporter.formats.handoff import AppRuntime
from exporter.handoff.kotlin import is_pictured
from exporter.handoff.names import module
from exporter.handoff.render import rendered, rendered_file

_PICTURED = ("Pixels", "Resampling", "Fitting", "Preprocessing")
_ALWAYS = ("Tensor", "ModelFacts", "Model")


def swift_files(handoff: Handoff, app: AppRuntime, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Files of the package, by their place in the hand-off's folder."""
    pictured, name = is_pictured(handoff), module(handoff.name)
    facts = {
        "handoff": handoff,
        "app": app,
        "labels": labels,
        "module": name,
        "pictured": pictured,
        "file": PurePosixPath(handoff.artifact).name,
    }
    classes = ("Classification",) if handoff.reads == "classification" else ()
    sources = (*_ALWAYS, *(_PICTURED if pictured else ()), *classes)
    yield "Package.swift", rendered("swift/Package.swift.jinja", facts)
    for each in sources:
        yield f"swift/Sources/{each}.swift", rendered(f"swift/{each}.swift.jinja", facts)
    yield "swift/Sources/ModelEngine.swift", rendered_file(app.engine, facts)
    for each in ("Golden", "GoldenTests"):
        yield f"swift/Tests/{each}.swift", rendered(f"swift/{each}.swift.jinja", facts)
