"""Why it grew: two artifacts, packages or runs, compared by layer, by dtype and by file."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from exporter.data.base import Frozen
from exporter.data.errors import MissingExtraError, UsageProblem
from exporter.data.facts.diff import Change, Group, SizeDiff
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.sizes import Measurement
from exporter.data.results.record import RunRecord
from exporter.formats.files import inspect
from exporter.formats.registry import format_of
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.store.runs import load_record

_GRAPH = "everything but weights"


class _Side(Frozen):
    size: int
    download: int | None
    groups: dict[Group, dict[str, int]]
    notes: tuple[str, ...]


def compare_sizes(before: Path, after: Path, options: Options | None = None) -> list[SizeDiff]:
    """Compare two artifacts, or two run.json target by target; a target that only one run has is compared with nothing.

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    if before.exists() and after.exists() and _is_run(before) != _is_run(after):
        run, other = (before, after) if _is_run(before) else (after, before)
        raise UsageProblem(f"{run} is a run and {other} is not. Give two runs, or two artifacts.")
    options = options or Options()
    sides = [_sides(path, options) for path in (before, after)]
    if len(sides[0]) == len(sides[1]) == 1 and not _is_run(before) and not _is_run(after):
        return [_diff(str(before), str(after), *(next(iter(side.values())) for side in sides))]
    nothing = _Side(size=0, download=0, groups={}, notes=())
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [
        _diff(f"{before}:{name}", f"{after}:{name}", sides[0].get(name, nothing), sides[1].get(name, nothing))
        for name in names
    ]


def _is_run(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".json"


def _sides(path: Path, options: Options) -> dict[str, _Side]:
    """What is known of each artifact, by target name; an artifact given as itself has the name ``artifact``."""
    measurements = measure(path, options)
    if not _is_run(path):
        return {"artifact": _side(measurements[0], path)}
    record = load_record(path)
    names = [target for target in record.targets if target.artifact is not None]
    return {
        target.name: _side(found, _artifact_path(path, record, target.name))
        for target, found in zip(names, measurements, strict=True)
    }


def _artifact_path(path: Path, record: RunRecord, name: str) -> Path:
    artifact = next(target.artifact for target in record.targets if target.name == name)
    assert artifact is not None
    return path.parent / artifact.path


def _side(found: Measurement, path: Path) -> _Side:
    files = {file.path: file.size_bytes for file in found.files} or {part.name: part.size_bytes for part in found.parts}
    groups: dict[Group, dict[str, int]] = {"file": files}
    notes: list[str] = []
    if format_of(path) is not None:
        try:
            inside = inspect(path)
        except MissingExtraError as error:
            notes.append(f"{path}: layers and dtypes are unavailable: {error}")
        else:
            groups["layer"], groups["dtype"] = _by_layer(inside), _by_dtype(inside)
    size = found.size_bytes if found.size_bytes is not None else max(part.size_bytes for part in found.parts)
    return _Side(
        size=size,
        download=None if found.download is None else found.download.value,
        groups=groups,
        notes=tuple(notes),
    )


def _by_layer(inside: Inspection) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for weight in inside.weights:
        sums[weight.layer or weight.name] += weight.size_bytes
    return _with_rest(sums, inside)


def _by_dtype(inside: Inspection) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for weight in inside.weights:
        form = "" if weight.quantization == "none" else f" ({weight.quantization})"
        sums[f"{weight.dtype}{form}"] += weight.size_bytes
    return _with_rest(sums, inside)


def _with_rest(sums: dict[str, int], inside: Inspection) -> dict[str, int]:
    """With the bytes that are no weights: the graph, names, metadata and padding."""
    rest = inside.size_bytes - sum(sums.values())
    return {**sums, _GRAPH: rest} if rest > 0 else dict(sums)


def _diff(before_name: str, after_name: str, before: _Side, after: _Side) -> SizeDiff:
    groups: dict[Group, tuple[Change, ...]] = {}
    order: tuple[Group, ...] = ("layer", "dtype", "file")
    for group in order:
        # A side without the group is a target that is not there; a form that cannot be read is in the notes.
        if (group in before.groups or before.size == 0) and (group in after.groups or after.size == 0):
            groups[group] = _changes(before.groups.get(group, {}), after.groups.get(group, {}))
    download = None
    if before.download is not None and after.download is not None:
        download = Change(name="download", before=before.download, after=after.download)
    return SizeDiff(
        before=before_name,
        after=after_name,
        size=Change(name="size", before=before.size, after=after.size),
        download=download,
        groups=groups,
        notes=tuple(dict.fromkeys((*before.notes, *after.notes))),
    )


def _changes(before: dict[str, int], after: dict[str, int]) -> tuple[Change, ...]:
    # One file on each side is the same file, whatever it is called.
    if len(before) == len(after) == 1:
        (old,), (new,) = before, after
        name = new if old == new else f"{old} -> {new}"
        return (Change(name=name, before=before[old], after=after[new]),)
    return tuple(
        largest_first(
            Change(name=name, before=before.get(name, 0), after=after.get(name, 0)) for name in {**before, **after}
        )
    )


def largest_first(changes: Iterable[Change]) -> list[Change]:
    """By the size of the change, then of the thing, then by name; of a name that grew and shrank, first what grew."""
    return sorted(
        changes, key=lambda change: (-abs(change.bytes), -max(change.before, change.after), change.name, -change.bytes)
    )
