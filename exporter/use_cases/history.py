"""The use cases of `mobile-export history`: runs kept, their trends, and whether the newest lost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.history import Figure, KeptRun, Lane, Trend
from exporter.data.facts.revision import Revision
from exporter.data.results.commands import ProfileResults
from exporter.data.results.history import GateResult, HistoryResult, KeptResult
from exporter.data.spelling import did_you_mean
from exporter.data.units import parse_percent
from exporter.data.verdict import exit_code
from exporter.gates.history import judge_trends
from exporter.history.documents import entry_of, read_entry
from exporter.history.history import Document
from exporter.history.levels import with_changes
from exporter.history.places import open_history
from exporter.history.trends import Wanted, trends
from exporter.report.json import render as as_json
from exporter.report.renderer import View
from exporter.store.runs import RUN

Kept = Sequence[tuple[KeptRun, Figure]]
ALL = Wanted()


@dataclass(frozen=True)
class GateRequest:
    """What `history gate` is asked.

    Attributes:
        commit: whose runs are judged, by its beginning; empty takes the newest of each model.
        since: runs before the first of this commit are not looked at: the level that it made is accepted.
        tolerances: ``METRIC=5%`` or, of accuracies, ``METRIC=0.5``.
        window: most earlier runs.
        strict: what could not be checked fails.
    """

    place: Path
    wanted: Wanted = ALL
    commit: str = ""
    since: str = ""
    tolerances: tuple[str, ...] = ()
    window: int = 30
    strict: bool = False


def add(place: Path, documents: Sequence[Path], model: str | None, revision: Revision | None) -> KeptResult:
    """Keep the runs and profiles of files; a run that is there already is not kept twice.

    All files are read before the first is kept: one that cannot be read leaves the history as it was.

    Raises:
        UsageProblem: a file is neither of the two, or the place is no history.
    """
    entries = [read_entry(path, model=model, revision=revision) for path in documents]
    history = open_history(place, to_write=True)
    return KeptResult(place, tuple((entry.run, not history.keep(entry)) for entry in entries))


def keep_run(place: Path, folder: Path) -> None:
    """Keep the run that lies in `folder`."""
    open_history(place, to_write=True).keep(read_entry(folder / RUN))


def keep_profile(place: Path, result: ProfileResults, target: str | None, revision: Revision | None) -> bool:
    """Keep a profile; False where no device was measured, so that there is nothing to keep."""
    if not any(item.result and item.result.readings for item in result.profiles):
        return False
    entry = entry_of(Document(as_json(result, View())), "the profile", target=target, revision=revision)
    open_history(place, to_write=True).keep(entry)
    return True


def list_runs(place: Path, model: str) -> KeptResult:
    """The kept runs, the oldest first."""
    runs = [run for run in open_history(place).runs() if model in ("", run.model)]
    return KeptResult(place, tuple((run, None) for run in runs))


def show(place: Path, wanted: Wanted, last: int) -> HistoryResult:
    """How figures went over the last runs of each model, with the changes of their levels.

    Raises:
        UsageProblem: there is no history, or nothing in it is wanted.
    """
    kept = _last(open_history(place).figures(), last)
    found = tuple(with_changes(trend) for trend in _some(kept, wanted))
    return HistoryResult(place, _runs(kept, found), found)


def gate(request: GateRequest) -> GateResult:
    """Whether the newest runs lost against those before; see `exporter.gates.history`.

    Raises:
        UsageProblem: there is no history, a commit or metric is not in it, or what finds levels is not installed.
    """
    kept: Kept = open_history(request.place).figures()
    kept = _since(kept, request.since) if request.since else kept
    newest = _newest(kept, request.commit, request.wanted.model)
    kept = _last(_until(kept, newest), request.window + len(newest))
    found = _some(kept, request.wanted)
    tolerances = read_tolerances(request.tolerances, [trend.lane for trend in found])
    verdicts = tuple(judge_trends(found, newest, tolerances, request.window))
    code = exit_code(verdicts, strict=request.strict)
    shown = tuple(map(with_changes, found))
    return GateResult(request.place, _runs(kept, shown), shown, newest, verdicts, code)


def read_tolerances(texts: Iterable[str], lanes: Sequence[Lane]) -> dict[str, float]:
    """By metric: shares of 1 from percentages, and plain numbers where figures change by points.

    Raises:
        UsageProblem: no lane has the metric, or the amount is none.
    """
    known = {lane.metric: lane for lane in lanes}
    found = {}
    for text in texts:
        metric, equals, amount = text.partition("=")
        if not equals or metric not in known:
            hint = did_you_mean(metric, known) or f"known are {', '.join(sorted(known))}"
            raise UsageProblem(f"--tolerance {text!r}: write METRIC=AMOUNT, such as latency=5%; {hint.rstrip('?.')}.")
        found[metric] = _amount(text, amount, known[metric])
    return found


def _amount(text: str, amount: str, lane: Lane) -> float:
    if lane.relative:
        return float(parse_percent(amount))
    try:
        number = float(amount)
    except ValueError as error:
        raise UsageProblem(f"--tolerance {text!r}: {lane.metric} changes by points; write a number.") from error
    if not 0 <= number < float("inf"):
        raise UsageProblem(f"--tolerance {text!r}: write a number from 0 on.")
    return number


def _some(kept: Kept, wanted: Wanted) -> tuple[Trend, ...]:
    found = trends(kept, wanted)
    if found:
        return found
    if not kept:
        raise UsageProblem("The history holds no figure of any run.")
    models = ", ".join(dict.fromkeys(run.model for run, _ in kept))
    targets = ", ".join(dict.fromkeys(figure.lane.target for _, figure in kept))
    raise UsageProblem(f"No kept figure is of what was asked for. Models are {models}; targets are {targets}.")


def _runs(kept: Kept, found: Sequence[Trend]) -> tuple[KeptRun, ...]:
    """Those that a trend has a point of, the oldest first."""
    named = {point.run.digest for trend in found for point in trend.points}
    return tuple({run.digest: run for run, _ in kept if run.digest in named}.values())


def _last(kept: Kept, count: int) -> Kept:
    """Figures of the last `count` runs of each model."""
    runs: dict[str, dict[str, None]] = {}
    for run, _ in kept:
        runs.setdefault(run.model, {})[run.digest] = None
    taken = {digest for digests in runs.values() for digest in list(digests)[-count:]}
    return [(run, figure) for run, figure in kept if run.digest in taken]


def _is_of(run: KeptRun, commit: str) -> bool:
    return run.revision is not None and run.revision.commit.startswith(commit)


def _since(kept: Kept, commit: str) -> Kept:
    first: Mapping[str, KeptRun] = {run.model: run for run, _ in reversed(kept) if _is_of(run, commit)}
    if not first:
        raise UsageProblem(f"--since {commit}: no kept run is of this commit. `history list` shows them.")
    return [
        (run, figure) for run, figure in kept if run.model not in first or run.taken_at >= first[run.model].taken_at
    ]


def _newest(kept: Kept, commit: str, model: str) -> tuple[KeptRun, ...]:
    """Runs of one commit for each model; of a model whose newest run is of none, that run alone."""
    runs = {run.digest: run for run, _ in kept if model in ("", run.model)}
    if commit:
        found = tuple(run for run in runs.values() if _is_of(run, commit))
        if not found:
            raise UsageProblem(f"--commit {commit}: no kept run is of this commit. `history list` shows them.")
        return found
    last = {run.model: run for run in runs.values()}
    return tuple(run for run in runs.values() if _same(run, last[run.model]))


def _same(run: KeptRun, last: KeptRun) -> bool:
    """Of one commit, all of whose files were as it has them."""
    whole = last.revision is not None and not last.revision.dirty
    return run == last or (whole and run.revision == last.revision)


def _until(kept: Kept, newest: Sequence[KeptRun]) -> Kept:
    """Without what came after the runs that are judged, and without models that none of them is of."""
    ends: dict[str, KeptRun] = {}
    for run in newest:
        ends[run.model] = max(run, ends.get(run.model, run), key=lambda one: one.taken_at)
    return [(run, figure) for run, figure in kept if run.model in ends and run.taken_at <= ends[run.model].taken_at]
