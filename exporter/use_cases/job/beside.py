"""Conversions to several formats, which share next to nothing, side by side in processes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from exporter.data.progress import Progress
from exporter.data.results.record import StageTime
from exporter.data.settings.target import Target
from exporter.execution.child import Task
from exporter.execution.forked import can_fork
from exporter.execution.isolation import Trouble, attempt
from exporter.execution.threads import cores, on_one_core
from exporter.execution.workers import Given, beside
from exporter.formats.registry import format_named
from exporter.store.cache import open_cache
from exporter.use_cases.job.convert import converted_in_cache, is_to_be_made
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.recipes import Compressed
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.work import Converted, TargetWork

LONG_LOADING_S = 10.0
"""Where processes are not copies of this one, each loads the model anew; one that takes longer is converted here."""

MOST_BYTES = 10**9
"""Of a model that memory holds several times."""

Made = tuple[Converted | Trouble, tuple[StageTime, ...]]


def converted_beside(model: ModelAtHand, works: Sequence[TargetWork]) -> list[TargetWork]:
    """`works`, some with conversions made beforehand, because that is faster; the others are made in their turn.

    Targets of one format share a process, where what they share is made once. Meanwhile the source is run here.
    """
    fork = can_fork()
    groups = _groups(model, works)
    if len(groups) < 2 or model.description.size_bytes >= MOST_BYTES or not (fork or _loads_fast(model)):
        return list(works)
    found = attempt(partial(_outcomes, model, groups, fork=fork))
    if isinstance(found, Trouble):  # no process can be started here
        return list(works)
    made: dict[str, Converted | Trouble] = {}
    for group, given in zip(groups, found, strict=True):
        made |= _made(model, group, given)
    return [replace(work, beforehand=made.get(work.target.name)) for work in works]


def _groups(model: ModelAtHand, works: Sequence[TargetWork]) -> list[list[TargetWork]]:
    """What is to be converted, in as many lists as there are cores; those of a format, which share much, in one."""
    formats: dict[str, list[TargetWork]] = {}
    for work in works:
        if not work.lost and attempt(partial(is_to_be_made, model, work)) is True:
            formats.setdefault(work.format.name, []).append(work)
    groups: list[list[TargetWork]] = [[] for _ in range(cores())]
    for work_of_format in sorted(formats.values(), key=len, reverse=True):
        min(groups, key=len).extend(work_of_format)
    return [group for group in groups if group]


def _loads_fast(model: ModelAtHand) -> bool:
    return model.models.loading_s < LONG_LOADING_S


def _outcomes(model: ModelAtHand, groups: Sequence[Sequence[TargetWork]], *, fork: bool) -> list[Given]:
    with beside(_tasks(model, groups, fork=fork), model.progress, fork=fork) as outcomes:
        if model.request.verify:
            with on_one_core():  # what strikes it here strikes each comparison in its turn
                attempt(lambda: model.reference)
        return outcomes()


def _tasks(model: ModelAtHand, groups: Sequence[Sequence[TargetWork]], *, fork: bool) -> list[Task]:
    if fork:
        attempt(lambda: model.source)  # before, and so for all
        return [Task(conversions_of, (model, group)) for group in groups]
    settings = model.request, model.description.digest
    jobs = [tuple((work.target, work.compressed) for work in group) for group in groups]
    return [Task(conversions, (*settings, job)) for job in jobs]


def _made(model: ModelAtHand, group: Sequence[TargetWork], given: Given) -> dict[str, Converted | Trouble]:
    """What a process gave for each target, and what ended it for the one that it was at."""
    made: dict[str, Converted | Trouble] = {}
    for work, (converted, times) in zip(group, given.results, strict=False):
        made[work.target.name] = converted
        model.stages.times.extend(times)
    if given.ended_by is not None and len(made) < len(group):
        made[group[len(made)].target.name] = Trouble(
            f"the process that converted it was ended by the system ({given.ended_by}); a library crashed, or memory "
            "ran out. Convert this target alone to see which.",
            3,
        )
    return made


def conversions(
    request: RunRequest, digest: str, jobs: Sequence[tuple[Target, Compressed | None]], progress: Progress
) -> Iterator[Made]:
    """As `conversions_of`, in a process that has nothing yet; nothing where it finds another model.

    Args:
        digest: of the source. A model that was made in memory, as in a notebook, is not found by its name.
    """
    model = ModelAtHand(request, open_cache(request.cache_root, progress.note), progress)
    if attempt(lambda: model.source.description.digest) != digest:
        return
    works = [TargetWork(target, format_named(target.format), compressed=compressed) for target, compressed in jobs]
    yield from conversions_of(model, works, progress)


def conversions_of(model: ModelAtHand, works: Sequence[TargetWork], progress: Progress) -> Iterator[Made]:
    """What becomes of each target, and the time that it took."""
    model.tell(progress)
    for work in works:
        before = len(model.stages.times)
        made = attempt(partial(converted_in_cache, model, work))
        yield made, tuple(model.stages.times[before:])
