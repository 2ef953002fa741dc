"""The use case of `mobile-export compare`."""

from collections.abc import Iterator
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.diff import SizeDiff
from exporter.data.results.samples import TargetSamples
from exporter.data.results.sizes import CompareResult
from exporter.sizes.diff import compare_sizes
from exporter.store.runs import load_record, load_samples
from profilers.comparison import compare_readings


def compare(before: Path, after: Path) -> CompareResult:
    """Why an artifact or a run grew: two artifacts, packages or folders, or two run.json target by target.

    Of two runs, the measured latencies are compared too, where both took them on the same device under the same
    conditions.

    Raises:
        UsageProblem: one of them cannot be read, or only one is a run.
    """
    diffs = compare_sizes(before, after)
    runs = all(path.is_file() and path.suffix.lower() == ".json" for path in (before, after))
    return CompareResult(tuple(_with_speed(diffs, before, after) if runs else diffs))


def _with_speed(diffs: list[SizeDiff], before: Path, after: Path) -> Iterator[SizeDiff]:
    here = load_record(before).machine == load_record(after).machine
    try:
        old, new = load_samples(before).targets, load_samples(after).targets
    except UsageProblem as error:  # a record that was copied without its samples still tells its sizes
        told = f"latencies are not compared: {error}"
        yield from (diff.model_copy(update={"notes": (*diff.notes, told)}) for diff in diffs)
        return
    nothing = TargetSamples()
    for diff in diffs:
        name = diff.after.removeprefix(f"{after}:")
        notes = _speed_notes(old.get(name, nothing), new.get(name, nothing), here=here)
        yield diff.model_copy(update={"notes": (*diff.notes, *notes)})


def _speed_notes(old: TargetSamples, new: TargetSamples, *, here: bool) -> Iterator[str]:
    """What is known of each device that measured both; `here`: whether both runs were on one machine."""
    pairs = [("this machine", old.host, new.host)] if here else []
    pairs += [(device, old.profiles[device], new.profiles[device]) for device in old.profiles if device in new.profiles]
    for device, first, second in pairs:
        for change in compare_readings(first, second):
            if change.metric == "latency":
                yield f"latency on {device}: {change.reason}"
