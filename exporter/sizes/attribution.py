"""Whose bytes are they: models, native code by ABI, the rest; and what a package carries twice or packs wrongly."""

import fnmatch
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath

from exporter.data.facts.sizes import ByteCount, Facet, Finding, Part
from exporter.data.units import format_size
from exporter.formats.common.bytes.damage import Damage
from exporter.formats.format import Format
from exporter.formats.registry import all_formats
from exporter.sizes.containers import Container, Entry

BLOCK = 4096
# Identical files below this size are icons and manifests, not weights.
DUPLICATE_BYTES = 16 << 10

_OTHER_MODELS = {
    ".litertlm": "litertlm",
    ".task": "mediapipe",
    ".ort": "ort",
    ".ptl": "pytorch",
    ".pt": "pytorch",
    ".gguf": "gguf",
    ".safetensors": "safetensors",
    ".mnn": "mnn",
    ".dlc": "dlc",
    ".pte": "executorch",
}
"""Suffixes of model files that nothing is exported to."""
_OTHERS_MAPPED = ("litertlm", "mediapipe")
_IDENTIFIED = slice(4, 8)
_UNNAMED = ("", ".bin", ".dat", ".model", ".weights")


@cache
def _model_files() -> dict[str, str]:
    own = {suffix: form.name for form in all_formats() for suffix in form.suffixes}
    return _OTHER_MODELS | {suffix: name for suffix, name in own.items() if suffix not in _model_folders()}


@cache
def _model_folders() -> dict[str, str]:
    """Suffixes of folders that are models, as they are written and as stores' tools compile them."""
    return {suffix: form.name for form in all_formats() for suffix in form.packing.all_folders}


@cache
def mapped_formats() -> tuple[str, ...]:
    """Formats that Android opens with AssetManager.openFd, which fails on a deflated entry."""
    return (*(form.name for form in all_formats() if form.packing.mapped), *_OTHERS_MAPPED)


def model_of(path: str) -> tuple[str, str] | None:
    """Path and format of the model that the file at `path` belongs to, by the names; None when to none."""
    parts = PurePosixPath(path).parts
    for depth, part in enumerate(parts[:-1]):
        found = _model_folders().get(PurePosixPath(part).suffix.lower())
        if found:
            return "/".join(parts[: depth + 1]), found
    form = _model_files().get(PurePosixPath(path).suffix.lower())
    return (path, form) if form else None


def _identified(start: bytes) -> Format | None:
    """The format of a file whose first bytes tell it, whatever its name."""
    held = start[_IDENTIFIED]
    return next((form for form in all_formats() if form.packing.identifier and form.packing.identifier == held), None)


def native_abi(path: str) -> str | None:
    """ABI of a native library of an APK or app bundle module; None for other files."""
    parts = PurePosixPath(path).parts
    if len(parts) >= 3 and parts[-3] == "lib" and path.endswith(".so"):
        return parts[-2]
    return None


def find_models(container: Container, entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
    """File path -> path and format of its model; files named like data are looked into for a format's identifier."""
    found: dict[str, tuple[str, str]] = {}
    for entry in entries:
        model = model_of(entry.path)
        if model is None and entry.size > 1024 and PurePosixPath(entry.path).suffix.lower() in _UNNAMED:
            with container.open(entry) as stream:
                form = _identified(stream.read(8))
            model = (entry.path, form.name) if form is not None else None
        if model is not None:
            found[entry.path] = model
    return found


def divide(
    entries: Iterable[Entry],
    models: Mapping[str, tuple[str, str]],
    downloads: Mapping[str, int],
    install: Callable[[Entry], int],
) -> tuple[Part, ...]:
    """Models first, each for itself, then native code by ABI, then the rest; the largest download first."""
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        abi = native_abi(entry.path)
        if entry.path in models:
            name, form = models[entry.path]
            groups["model", name, form].append(entry)
        elif abi is not None:
            groups["native code", f"lib/{abi}", abi].append(entry)
        else:
            groups["rest", "rest", ""].append(entry)
    parts = [
        Part.model_validate(
            {
                "name": name,
                "role": role,
                "format": form,
                "size_bytes": sum(entry.size for entry in found),
                "install_bytes": sum(install(entry) for entry in found),
                "download_bytes": sum(downloads[entry.path] for entry in found),
                "files": len(found),
            }
        )
        for (role, name, form), found in groups.items()
    ]
    order = {"model": 0, "native code": 1, "rest": 2}
    return tuple(sorted(parts, key=lambda part: (order[part.role], -part.download_bytes, part.name)))


def model_facets(parts: Iterable[Part]) -> list[Facet]:
    """The models in a package, for the limits of their formats."""
    return [
        Facet(
            scope="model-file",
            name=part.name,
            counts="file",
            size=ByteCount.exact(part.size_bytes, "sum of its files"),
            format=part.format,
        )
        for part in parts
        if part.role == "model"
    ]


def duplicates(container: Container, entries: Iterable[Entry], models: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """Model files, and other files of some size, that are in the package more than once, byte for byte."""
    alike: dict[tuple[int, int | None], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.size >= (BLOCK if entry.path in models else DUPLICATE_BYTES):
            alike[entry.size, entry.crc].append(entry)
    findings = []
    for candidates in alike.values():
        if len(candidates) < 2:
            continue
        equal: dict[bytes, list[Entry]] = defaultdict(list)
        for entry in candidates:
            equal[_digest(container, entry)].append(entry)
        findings += [_duplicate(same) for same in equal.values() if len(same) > 1]
    return sorted(findings, key=lambda finding: (-finding.wasted_bytes, finding.name))


def _duplicate(same: list[Entry]) -> Finding:
    first, *others = sorted(same, key=lambda entry: entry.path)
    names = ", ".join(entry.path for entry in others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    wasted = first.size * len(others)
    return Finding(
        kind="duplicate",
        name=first.path,
        wasted_bytes=wasted,
        sentence=f"the same {format_size(first.size)} are also in {names}: ship one copy and share it",
    )


def _digest(container: Container, entry: Entry) -> bytes:
    digest = hashlib.sha256()
    with container.open(entry) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.digest()


def deflated_models(
    entries: Iterable[Entry], models: Mapping[str, tuple[str, str]], *, globs: Iterable[str] = ()
) -> list[Finding]:
    """Models that Android must map into memory but that are, or in the APK will be, deflated.

    Args:
        entries: of an APK, or of one module of an app bundle with paths relative to the module.
        models: of `find_models`, keyed like `entries`.
        globs: what an app bundle's configuration leaves uncompressed.
    """
    findings = []
    for entry in entries:
        name, form = models.get(entry.path, ("", ""))
        left = any(fnmatch.fnmatchcase(entry.path, glob) for glob in globs)
        if form in mapped_formats() and entry.method == "deflated" and not left:
            suffix = PurePosixPath(name).suffix.lstrip(".") or "SUFFIX"
            findings.append(
                Finding(
                    kind="compressed",
                    name=name,
                    wasted_bytes=entry.size,
                    sentence="it is deflated, so Android cannot map it and AssetManager.openFd fails: "
                    f"add androidResources {{ noCompress += '{suffix}' }} to the module's build.gradle",
                )
            )
    return findings


def unusable_models(
    container: Container, entries: Iterable[Entry], models: Mapping[str, tuple[str, str]]
) -> list[Finding]:
    """Model files that no runtime can load, which are broken build steps: without a byte, or cut off.

    A file without its format's identifier may be encrypted, and passes.
    """
    findings = []
    for entry in entries:
        path, form = models.get(entry.path, ("", ""))
        if path != entry.path:
            continue
        if entry.size == 0:
            sentence = "the model has 0 bytes: a build step failed"
            findings.append(Finding(kind="empty", name=path, wasted_bytes=0, sentence=sentence))
        elif problem := _damage(container, entry, form):
            sentence = f"the model is damaged or cut off: {problem}"
            findings.append(Finding(kind="damaged", name=path, wasted_bytes=entry.size, sentence=sentence))
    return findings


def _damage(container: Container, entry: Entry, name: str) -> str:
    """What is wrong with a model file; nothing for a whole one, and where its bytes alone do not tell."""
    with container.open(entry) as stream:
        start = stream.read(8)
        form = _identified(start)
        if form is None or form.name != name or form.packing.check_bytes is None:
            return ""
        content = start + stream.read()
    try:
        form.packing.check_bytes(memoryview(content))
    except Damage as error:
        return str(error)
    return ""
