"""MODEL arguments by their form, and what decides a source that can be read without torch."""

import hashlib
import importlib.metadata
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.model import ModelSettings
from exporter.data.source import SourceKind
from exporter.execution.heavy import load
from exporter.store.digests import given_digest


def classify(spec: str) -> SourceKind:
    """Tell from its form what a MODEL argument is.

    Raises:
        UsageProblem: it has none of the known forms, or names a file that is not there.
    """
    if spec.startswith("torchvision:"):
        return SourceKind.TORCHVISION
    suffix = Path(spec).suffix
    kinds = {".pt2": SourceKind.EXPORTED, ".pt": SourceKind.TORCHSCRIPT, ".pth": SourceKind.TORCHSCRIPT,
             ".onnx": SourceKind.ONNX}  # fmt: skip
    if suffix in kinds:
        if not Path(spec).is_file():
            raise UsageProblem(f"model {spec}: there is no such file.")
        return kinds[suffix]
    if ":" in spec:
        return SourceKind.FACTORY
    raise UsageProblem(
        f"model {spec!r} is not a known form: write torchvision:NAME, package.module:factory, path/to/file.py:factory, "
        "or a .pt2, TorchScript .pt or .onnx file."
    )


def source_files(kind: SourceKind, path: Path) -> list[Path]:
    """The files of a saved model: itself, and for ONNX those beside it that hold its larger tensors."""
    if kind is not SourceKind.ONNX:
        return [path]
    onnx = load("onnx")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # noqa: BLE001 - whoever loads it says what is wrong with it
        return [path]
    places = {
        entry.value
        for tensor in onnx.external_data_helper._get_all_tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path, *(file for place in sorted(places) if (file := path.parent / place).is_file())]


def light_key(spec: str, settings: ModelSettings) -> str | None:
    """A key that decides the description and can be had without torch; None for what is code: factories, pickles."""
    kind = classify(spec)
    if kind is SourceKind.FACTORY or settings.trust_pickle:
        return None
    parts = [spec, settings.model_dump_json(), _version("torch"), _version("torchvision")]
    if kind is not SourceKind.TORCHVISION:
        parts += [given_digest(path) for path in source_files(kind, Path(spec))]
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
