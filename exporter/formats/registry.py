"""The formats: names to modules, imported when one is asked for."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import PurePath

from exporter.data.facts.advice import Advice
from exporter.data.settings.target import Target
from exporter.formats.format import Format

_MODULES = {
    "coreml": "exporter.formats.coreml.format",
    "tflite": "exporter.formats.tflite.format",
    "onnx": "exporter.formats.onnx.format",
}


def names() -> tuple[str, ...]:
    """Of all formats, in order."""
    return tuple(_MODULES)


@cache
def format_named(name: str) -> Format:
    """The format called `name`, which is one of `names`."""
    found: Format = import_module(_MODULES[name]).FORMAT
    return found


def all_formats() -> Iterator[Format]:
    """Every format, in order."""
    return map(format_named, _MODULES)


def format_of(path: PurePath) -> Format | None:
    """The format that a file's or folder's suffix tells; None when it is no format's."""
    suffix = path.suffix.lower()
    return next((form for form in all_formats() if suffix in form.suffixes), None)


def suffixes() -> str:
    """All suffixes, for sentences: ``.mlpackage, .mlmodel and .tflite``."""
    *most, last = [suffix for form in all_formats() for suffix in form.suffixes]
    return f"{', '.join(most)} and {last}"


def advice_for(target: Target) -> Advice:
    """Facts and words of `target`'s format, for the sentences of the gates."""
    return format_named(target.format).advice(target)
