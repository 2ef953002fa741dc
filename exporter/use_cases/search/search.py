"""The search itself: what is asked, the study that keeps it, and what is said of it in the end."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.points import Point
from exporter.data.progress import Progress
from exporter.data.results.search import Answer, SearchResult
from exporter.execution.executor import PlaceOptions, executor_named
from exporter.search.answer import answer_of
from exporter.search.front import choices
from exporter.search.study import Study
from exporter.store.output import output_folder
from exporter.use_cases.search.hunt import Hunt
from exporter.use_cases.search.request import SearchRequest
from exporter.use_cases.search.work import Work


def search(request: SearchRequest, progress: Progress) -> SearchResult:
    """Carry out `request`; what was found until an interruption is in the study, and the same command goes on.

    Raises:
        UsageProblem: the request cannot be carried out as it stands.
        ToolError: the model cannot be had.
    """
    started = time.monotonic()
    work = Work(request, progress)
    asked = work.asked
    _ = work.model.source  # so that trials, where they are copies of this process, have its libraries
    with output_folder(request.output):
        study = Study(request.output)
        study.begin(asked)
        options = PlaceOptions(at_once=work.at_once, scheduler=request.scheduler)
        with closing(executor_named(request.executor, progress, options)) as executor:
            hunt = Hunt(work, study, executor, started + request.time_s)
            hunt.try_own()
            hunt.measure()
            hunt.try_all()
    return result_of(study, request.output, unfinished=hunt.unfinished)


def result_of(study: Study, folder: Path, *, unfinished: bool = False) -> SearchResult:
    """What a study says."""
    if study.asked is None:
        raise UsageProblem(f"{folder} holds no study; `mobile-export search MODEL -o {folder}` makes one.")
    minimize, points = study.asked.options.get("minimize"), tuple(study.points.values())
    found = {target: [one for one in points if one.plan.target == target] for target in study.asked.targets}
    return SearchResult(
        model=study.asked.model,
        folder=folder,
        targets=tuple(found),
        points=points,
        answers={target: _answer(target, own, minimize) for target, own in found.items()},
        minimize=minimize,
        notes=study.asked.notes,
        unfinished=unfinished,
    )


def _answer(target: str, points: Sequence[Point], minimize: str | None) -> Answer:
    named = {one.name: one.point.plan.key for one in choices(points, minimize or "size")}
    return Answer(answer_of(target, points, minimize)[0], named)
