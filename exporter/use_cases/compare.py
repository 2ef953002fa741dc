"""The use case of `mobile-export compare`."""

from collections.abc import Iterator
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.diff import FigureChange, SizeDiff
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import TargetSamples
from exporter.data.results.sizes import CompareResult
from exporter.data.verdict import exit_code
from exporter.gates.comparison import comparison_verdicts
from exporter.sizes.diff import compare_sizes
from exporter.store.runs import load_record, load_samples
from exporter.use_cases.figures import accuracy_changes, reading_changes, unavailable_readings


def compare(before: Path, after: Path, *, gated: bool = False) -> CompareResult:
    """Why an artifact or a run grew: two artifacts, packages or folders, or two run.json target by target.

    Of two runs, accuracy is compared too, and latencies, times, memory and energy where both read them on the same
    device under the same conditions.

    Args:
        before: the first.
        after: the second.
        gated: whether what got worse fails, and does not only warn.

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    diffs = compare_sizes(before, after)
    runs = all(path.is_file() and path.suffix.lower() == ".json" for path in (before, after))
    found = tuple(_with_speed(diffs, before, after) if runs else diffs)
    verdicts = tuple(comparison_verdicts(found, "error" if gated else "warning"))
    return CompareResult(found, verdicts, exit_code(verdicts, strict=False))


def _with_speed(diffs: list[SizeDiff], before: Path, after: Path) -> Iterator[SizeDiff]:
    first, second = load_record(before), load_record(after)
    here = first.machine == second.machine
    targets = [{target.name: target for target in record.targets} for record in (first, second)]
    diffs = [_with_accuracy(diff, diff.after.removeprefix(f"{after}:"), *targets) for diff in diffs]
    try:
        old, new = load_samples(before).targets, load_samples(after).targets
    except UsageProblem as error:  # a record that was copied without its samples still tells its sizes
        told = f"memory, energy and latencies are not compared: {error}"
        yield from (diff.model_copy(update={"notes": (*diff.notes, told)}) for diff in diffs)
        return
    nothing = TargetSamples()
    for diff in diffs:
        name = diff.after.removeprefix(f"{after}:")
        speed = list(_speed(old.get(name, nothing), new.get(name, nothing), here=here))
        notes = [f"{_short(change.metric)} on {change.where}: {change.reason}" for change in speed]
        notes += _missing(old.get(name, nothing), new.get(name, nothing))
        yield diff.model_copy(update={"notes": (*diff.notes, *notes), "figures": (*diff.figures, *speed)})


def _with_accuracy(
    diff: SizeDiff, name: str, before: dict[str, TargetRecord], after: dict[str, TargetRecord]
) -> SizeDiff:
    if name not in before or name not in after:
        return diff
    return diff.model_copy(update={"figures": tuple(accuracy_changes(before[name], after[name]))})


def _speed(old: TargetSamples, new: TargetSamples, *, here: bool) -> Iterator[FigureChange]:
    """What is known of each device that measured both; `here`: whether both runs were on one machine."""
    pairs = [("this machine", old.host, new.host)] if here else []
    pairs += [(device, old.profiles[device], new.profiles[device]) for device in old.profiles if device in new.profiles]
    for device, first, second in pairs:
        yield from reading_changes(device, first, second)


def _missing(old: TargetSamples, new: TargetSamples) -> list[str]:
    both = [device for device in old.profiles if device in new.profiles]
    return [
        f"{words} (on {device})"
        for device in both
        for words in unavailable_readings(old.profiles[device], new.profiles[device])
    ]


def _short(metric: str) -> str:
    return metric.removeprefix("median ")
