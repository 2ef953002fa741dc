"""What a profile is held against: an earlier profile, a run, or one of either that a history keeps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem
from exporter.data.facts.history import KeptRun
from exporter.data.results.samples import TargetSamples
from exporter.history.documents import read_entry
from exporter.history.history import Document
from exporter.history.places import open_history
from exporter.store.profiles import is_profiles, parse_profiles
from exporter.store.runs import parse_record, parse_samples
from exporter.store.tools import machine_facts
from profilers.readings import Reading

LATEST = "latest"
LOCAL = "local"


class Baseline(NamedTuple):
    """Earlier readings.

    Attributes:
        words: what they are of.
        readings: by device, as `--device` takes it.
        refused: by device, why its readings must not be compared.
    """

    words: str
    readings: Mapping[str, Sequence[Reading]]
    refused: Mapping[str, str] = {}


def baseline_of(name: str, history: Path | None, model: Path, target: str | None) -> Baseline:
    """The readings that `name` stands for.

    Args:
        name: a `run.json`, or what `profile -f json` wrote; or of a run in `history` the beginning of its commit or of
            its digest, or ``latest``.
        history: where runs are kept; None where that was not said.
        model: the file that is measured now.
        target: whose artifact it is; None finds it by the name of the file.

    Raises:
        UsageProblem: there is no such file or run, or it has no readings of such a model.
    """
    path = Path(name)
    if path.exists():
        entry = read_entry(path)
        return _baseline(entry.document, str(path), model, target)
    if history is None:
        raise UsageProblem(f"--baseline {name}: there is no such file. To name a kept run, give --history too.")
    return _kept(name, history, model, target)


def _kept(name: str, place: Path, model: Path, target: str | None) -> Baseline:
    """Of the newest run that has the name and readings of such a model."""
    history = open_history(place)
    runs = [run for run in reversed(history.runs()) if _is_named(run, name)]
    problem = UsageProblem(f"--baseline {name}: {place} keeps no such run. `history list` shows those that there are.")
    for run in runs:
        try:
            return _baseline(history.document(run), run.words, model, target)
        except UsageProblem as error:
            problem = error
    raise problem


def _is_named(run: KeptRun, name: str) -> bool:
    commit = run.revision.commit if run.revision else ""
    return name == LATEST or commit.startswith(name) or run.digest.startswith(name)


def _baseline(document: Document, where: str, model: Path, target: str | None) -> Baseline:
    content = json.loads(document.text)
    found = (
        _of_profiles(content, where, model)
        if is_profiles(content)
        else _of_run(content, document, where, model, target)
    )
    if not found.readings and not found.refused:
        raise UsageProblem(f"{where} has no reading of {model.name}: nothing was measured there.")
    return found


def _of_profiles(content: Any, where: str, model: Path) -> Baseline:
    """Of several models that took turns, the one with the file's name."""
    results = [(one.device, one.result) for one in parse_profiles(content, where) if one.result is not None]
    named = [pair for pair in results if Path(pair[1].artifact).name == model.name]
    several = len({result.artifact for _, result in results}) > 1
    return Baseline(where, {device: result.readings for device, result in (named if several else results)})


def _of_run(content: Any, document: Document, where: str, model: Path, target: str | None) -> Baseline:
    record, samples = parse_record(content, where), parse_samples(content, document.samples, where)
    files = {one.name: Path(one.artifact.path).name for one in record.targets if one.artifact is not None}
    names = [target] if target is not None else [name for name, file in files.items() if file == model.name]
    if len(names) != 1 or names[0] not in samples.targets:
        raise UsageProblem(
            f"{where}: say with --target which of its targets {model} is held against: "
            f"{', '.join(samples.targets) or 'it measured none'}."
        )
    return _of_target(samples.targets[names[0]], where, same_machine=record.machine == machine_facts())


def _of_target(samples: TargetSamples, where: str, *, same_machine: bool) -> Baseline:
    readings = dict(_measured(samples))
    if same_machine or LOCAL not in readings:
        return Baseline(where, readings)
    del readings[LOCAL]
    return Baseline(
        where, readings, {LOCAL: "not compared: the run was made on another machine, or with another system"}
    )


def _measured(samples: TargetSamples) -> Iterator[tuple[str, Sequence[Reading]]]:
    if samples.host:
        yield LOCAL, samples.host
    yield from samples.profiles.items()
