"""The table of kinds of MODEL arguments, by their form; a kind's module is imported when it is used."""

import hashlib
import importlib
import importlib.metadata
from pathlib import Path
from typing import NamedTuple

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.sources.source import Source
from exporter.store.given import given_digest


class _Row(NamedTuple):
    """A kind, its module, and the form of its arguments: how they begin, or how their files' names end.

    `libraries` are distributions besides torch whose versions decide what it computes.
    """

    kind: SourceKind
    module: str
    prefix: str = ""
    suffixes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


_ROWS = (
    _Row(SourceKind.TORCHVISION, "exporter.sources.kinds.torchvision", prefix="torchvision:"),
    _Row(SourceKind.TIMM, "exporter.sources.kinds.timm", prefix="timm:", libraries=("timm",)),
    _Row(
        SourceKind.TRANSFORMERS,
        "exporter.sources.kinds.transformers",
        prefix="transformers:",
        libraries=("transformers",),
    ),
    _Row(
        SourceKind.ULTRALYTICS, "exporter.sources.kinds.ultralytics", prefix="ultralytics:", libraries=("ultralytics",)
    ),
    _Row(
        SourceKind.SMP,
        "exporter.sources.kinds.smp",
        prefix="smp:",
        libraries=("segmentation-models-pytorch", "timm"),
    ),
    _Row(SourceKind.EXPORTED, "exporter.sources.kinds.exported", suffixes=(".pt2",)),
    _Row(SourceKind.TORCHSCRIPT, "exporter.sources.kinds.torchscript", suffixes=(".pt", ".pth")),
    _Row(SourceKind.ONNX, "exporter.sources.kinds.onnx", suffixes=(".onnx",)),
)
_FACTORY = _Row(SourceKind.FACTORY, "exporter.sources.kinds.factory")
"""What has a colon and no other form."""


def prefixes() -> list[str]:
    """How MODEL arguments that name a library's model begin."""
    return [row.prefix for row in _ROWS if row.prefix]


def suffixes() -> list[str]:
    """How the names of files end that are MODEL arguments."""
    return [suffix for row in _ROWS for suffix in row.suffixes]


def classify(spec: str) -> SourceKind:
    """Tell from its form what a MODEL argument is.

    Raises:
        UsageProblem: it has none of the known forms, or names a file that is not there.
    """
    return _row(spec).kind


def source_for(spec: str) -> Source:
    """What loads `spec`.

    Raises:
        UsageProblem: as `classify`.
    """
    source: Source = importlib.import_module(_row(spec).module).SOURCE
    return source


def _row(spec: str) -> _Row:
    suffix = Path(spec).suffix
    for row in _ROWS:
        if row.prefix and spec.startswith(row.prefix):
            return row
        if suffix in row.suffixes:
            if not Path(spec).is_file():
                raise UsageProblem(f"model {spec}: there is no such file.")
            return row
    if ":" in spec:
        return _FACTORY
    raise UsageProblem(
        f"model {spec!r} is not a known form: write torchvision:NAME, timm:NAME, transformers:FOLDER, "
        "ultralytics:FILE, smp:ARCHITECTURE, package.module:factory, path/to/file.py:factory, or a .pt2, TorchScript "
        ".pt or .onnx file."
    )


def light_key(spec: str, settings: ModelSettings) -> str | None:
    """A key that decides the description and can be had without torch; None for what is code: factories, pickles."""
    row = _row(spec)
    files = source_for(spec).files(spec)
    if files is None or settings.trust_pickle:
        return None
    parts = [spec, settings.model_dump_json(), *map(_version, ("torch", "torchvision", *row.libraries))]
    parts += [given_digest(path) for path in files]
    if settings.weights not in (None, "default", "none"):
        parts.append(given_digest(Path(str(settings.weights))))
    if settings.labels:
        parts.append(given_digest(settings.labels))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
