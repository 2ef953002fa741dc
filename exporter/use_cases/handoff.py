"""What an app team gets beside artifacts: a folder for each, made of its file, its record and some data."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.facts.handoff import Handoff
from exporter.data.progress import Progress
from exporter.data.results.handoff import HandoffResult
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.settings.model import ModelSettings
from exporter.execution.isolation import Trouble, attempt
from exporter.formats.registry import format_named, format_of, suffixes
from exporter.handoff.folder import refuse_others_files
from exporter.handoff.make import Subject, Wanted, make
from exporter.store.digests import tree_digest
from exporter.store.output import naming, publish
from exporter.store.runs import RUN, load_record
from exporter.use_cases.job.request import RunRequest

FOLDER = "handoff"
CASES = 4


@dataclass(frozen=True)
class HandoffRequest:
    """One `handoff`.

    Attributes:
        subject: a run's folder, its run.json, or an artifact that anyone made.
        target_names: of the run; empty for all that have an artifact.
        settings: what the user says of the model: labels, task, license, how pictures are fitted.
        evaluation: data that golden cases are taken from; None for made up ones.
        cases: so many of the data.
        output: None puts each beside its artifact.
    """

    subject: Path
    target_names: tuple[str, ...] = ()
    settings: ModelSettings = field(default_factory=ModelSettings)
    evaluation: str | None = None
    cases: int = CASES
    output: Path | None = None


def handoff(request: HandoffRequest, progress: Progress) -> HandoffResult:
    """Make a folder for each artifact, whole or not at all.

    Raises:
        UsageProblem: there is no such run, target or artifact; the artifact is another file than the run's; the output
            holds other files; or the data or labels are not the artifact's.
        ToolError: the artifact does not run here.
    """
    subjects = tuple(_subjects(request))
    for subject in subjects:
        refuse_others_files(subject.folder)
    return HandoffResult(str(request.subject), tuple((one.folder, _made(one, request, progress)) for one in subjects))


def refuse_early(output: Path, target_names: Sequence[str]) -> None:
    """Refuse, before a long run into `output`, what its hand-offs would overwrite.

    Raises:
        UsageProblem: a file there is the user's.
    """
    for name in target_names:
        refuse_others_files(output / name / FOLDER)


def beside_artifacts(record: RunRecord, request: RunRequest, progress: Progress) -> list[Trouble]:
    """A hand-off beside each artifact of a finished run; what went wrong with one leaves the others alone."""
    found = []
    for target in (target.name for target in record.targets if target.artifact is not None):
        asked = HandoffRequest(request.output, (target,), request.settings, request.evaluation)
        found.append(attempt(partial(handoff, asked, progress)))
    return [one for one in found if isinstance(one, Trouble)]


def _made(subject: Subject, request: HandoffRequest, progress: Progress) -> Handoff:
    with progress.stage(f"Handing off {subject.name}") as advance, tempfile.TemporaryDirectory() as work:
        place = Path(work) / subject.folder.name
        made = make(subject, place, Wanted(request.settings, request.evaluation, request.cases), advance)
        with naming(subject.folder):
            publish(place, subject.folder)
        return made


def _subjects(request: HandoffRequest) -> Iterator[Subject]:
    path = request.subject
    run = path / RUN if path.is_dir() and format_of(path) is None else path
    if not run.exists():
        raise UsageProblem(f"{run}: there is no such file. Give a run's folder, its {RUN}, or an artifact.")
    if run.suffix.lower() != ".json":
        yield _alone(path, request.output)
        return
    record = load_record(run)
    targets = _chosen(record, request.target_names, run)
    for target in targets:
        yield _recorded(run.parent, record, target, request.output, several=len(targets) > 1)


def _alone(path: Path, output: Path | None) -> Subject:
    form = format_of(path)
    if form is None:
        raise UsageProblem(f"{path}: a hand-off is made of a run's folder, its {RUN}, or a file of {suffixes()}.")
    return Subject(path.stem, path, form, output or path.with_name(f"{path.stem}-{FOLDER}"))


def _recorded(folder: Path, record: RunRecord, target: TargetRecord, output: Path | None, *, several: bool) -> Subject:
    assert target.artifact is not None
    path = folder / target.artifact.path
    if not path.exists():
        raise UsageProblem(
            f"target {target.name}: {path}, which the run recorded, is not there any more. Run it again."
        )
    if tree_digest(path) != target.artifact.sha256:
        raise UsageProblem(
            f"target {target.name}: {path} is not the file that {folder / RUN} records (its SHA-256 differs), so that "
            "nothing that was found out holds for it. Run it again."
        )
    beside = path.parent / FOLDER
    place = beside if output is None else output / target.name if several else output
    return Subject(target.name, path, format_named(target.format), place, record, target, on_cpu=_on_cpu(target))


def _on_cpu(target: TargetRecord) -> bool:
    """Whether the target has the model run on the CPU alone; not where an older record does not tell."""
    form = format_named(target.format)
    try:
        return form.accelerator(form.target_type.model_validate(target.settings)) == "cpu"
    except ValidationError:
        return False


def _chosen(record: RunRecord, names: Sequence[str], run: Path) -> list[TargetRecord]:
    known = {target.name: target for target in record.targets}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageProblem(f"{run} has no target {', '.join(unknown)}; it has {', '.join(known)}.")
    wanted = [known[name] for name in names] if names else [one for one in known.values() if one.artifact is not None]
    without = [target for target in wanted if target.artifact is None]
    if without:
        reason = without[0].error or "the run made none"
        raise UsageProblem(f"target {without[0].name} has no artifact to hand off: {reason}")
    if not wanted:
        raise UsageProblem(f"{run}: no target has an artifact to hand off.")
    return wanted
