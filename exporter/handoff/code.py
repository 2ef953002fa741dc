"""Which code a hand-off has, and its files."""

from collections.abc import Iterator, Mapping, Sequence

from exporter.data.facts.handoff import Handoff, HandoffTensor, Language
from exporter.formats.handoff import AppRuntime
from exporter.handoff.kotlin import kotlin_files
from exporter.handoff.swift import swift_files

DTYPES = ("float32", "uint8", "int8", "int16", "int32", "int64")
"""Elements that the code can hold."""
_ANDROID = "Android"


def unheld(tensors: Sequence[HandoffTensor]) -> list[str]:
    """Inputs and outputs whose elements the code cannot hold, in sentences."""
    return [
        f"No code is generated: {each.name} is {each.dtype}, which it cannot hold; the golden files are there."
        for each in tensors
        if each.dtype not in DTYPES
    ]


def languages(minimum_os: str, apps: Mapping[Language, AppRuntime]) -> dict[Language, AppRuntime]:
    """Those of a target's system; all that the format has where the system is not known."""
    if not minimum_os:
        return dict(apps)
    wanted: Language = "kotlin" if minimum_os.startswith(_ANDROID) else "swift"
    return {wanted: apps[wanted]} if wanted in apps else {}


def code_files(
    handoff: Handoff, apps: Mapping[Language, AppRuntime], labels: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Files by their place in the folder.

    Args:
        labels: of the classes; empty where there are none.
    """
    for language, app in apps.items():
        yield from (kotlin_files if language == "kotlin" else swift_files)(handoff, app, labels)
