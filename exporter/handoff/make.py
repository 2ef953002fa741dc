"""Makes one hand-off: golden cases by the artifact's own runtime, code, papers, checksums, provenance."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.handoff import Dependency, Handoff, HandoffTensor, Language
from exporter.data.facts.inspection import Inspection, TensorFact
from exporter.data.progress import Advance
from exporter.data.results.record import RunRecord, TargetRecord
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.formats.files import inspect
from exporter.formats.format import Format
from exporter.formats.handoff import AppRuntime, OwnRuntime
from exporter.handoff.answers import Classes, answered, classes_of, with_tolerances
from exporter.handoff.code import code_files, languages, unheld
from exporter.handoff.golden import Golden, examples_of, make_golden
from exporter.handoff.interface import inputs_of, notes_of, spec_of
from exporter.handoff.papers import papers
from exporter.handoff.provenance import PROVENANCE, SUMS, checksums, statement
from exporter.sources.labels import read_labels
from exporter.store.digests import tree_digest, tree_size
from exporter.tasks.registry import task_named

MODEL, LABELS, DOCUMENT = "model", "model/labels.txt", "handoff.json"
_MADE_UP = (
    "made up, because no data was given: they check the way through the app, not what the model says of real examples. "
    "Give some with --evaluation."
)


@dataclass(frozen=True)
class Subject:
    """An artifact and what is known of it.

    Attributes:
        name: of its target, or of the file.
        folder: where the hand-off is put.
        record: the run that made it; None for a file alone.
        target: likewise.
        on_cpu: whether it is known to run on the CPU alone.
    """

    name: str
    path: Path
    form: Format
    folder: Path
    record: RunRecord | None = None
    target: TargetRecord | None = None
    on_cpu: bool = False


@dataclass(frozen=True)
class Wanted:
    """What goes into hand-offs.

    Attributes:
        settings: what the user says of the model.
        evaluation: data that cases are taken from; None for made up ones.
        cases: so many of the data.
    """

    settings: ModelSettings
    evaluation: str | None
    cases: int


@dataclass(frozen=True)
class _Read:
    """What the artifact itself showed."""

    inputs: tuple[HandoffTensor, ...]
    outputs: tuple[HandoffTensor, ...]
    golden: Sequence[Golden]
    classes: Classes | None
    runtime: str
    data: Dataset | None
    notes: Sequence[str]


def make(subject: Subject, folder: Path, wanted: Wanted, advance: Advance) -> Handoff:
    """Write everything into `folder`, which is not there yet.

    Raises:
        UsageProblem: the data or the labels are not the artifact's, or it takes several shapes.
        ToolError: the artifact does not run here.
    """
    read = _read(subject, folder, wanted, advance)
    _copy(subject, folder, read.classes)
    apps = _apps(subject, read)
    known = _known(subject, wanted, read, apps)
    files = dict(code_files(known, apps, () if read.classes is None else read.classes.labels))
    handoff = known.model_copy(update={"files": tuple(files)})
    texts = {**files, **papers(handoff, subject.record, subject.target)}
    texts[DOCUMENT] = handoff.model_dump_json(indent=1) + "\n"
    for name, text in texts.items():
        _write(folder / name, text)
    _write(folder / SUMS, checksums(folder))
    _write(folder / PROVENANCE, statement(folder, handoff, subject.record, subject.target))
    return handoff


def _read(subject: Subject, folder: Path, wanted: Wanted, advance: Advance) -> _Read:
    inspection, runtime = inspect(subject.path), subject.form.handoff.open(subject.path)
    facts = [_as_told(fact, wanted.settings) for fact in inspection.inputs]
    inputs, labels = inputs_of(facts, runtime.inputs), _labels(wanted.settings, runtime, subject.path)
    data = None if wanted.evaluation is None else _opened(wanted.evaluation, inputs, labels, wanted.settings)
    examples = list(examples_of(inputs, data, wanted.cases))
    golden = []
    for done, example in enumerate(examples, start=1):
        golden.append(make_golden(example, inputs, runtime, folder))
        advance(done, len(examples))
    outputs = _outputs(runtime, golden, inspection, on_cpu=subject.on_cpu)
    scores, asked = _scores(subject, wanted.settings)
    classes = classes_of(golden, outputs, labels, scores, asked=asked)
    return _Read(inputs, outputs, golden, classes, runtime.name, data, notes_of(facts, inputs))


def _as_told(fact: TensorFact, settings: ModelSettings) -> TensorFact:
    """With the user's word on how pictures are fitted, where the file says nothing."""
    if fact.picture is None or fact.picture.resize is not None or settings.known_fitting is None:
        return fact
    return fact.model_copy(update={"picture": fact.picture.model_copy(update={"resize": settings.known_fitting})})


def _labels(settings: ModelSettings, runtime: OwnRuntime, path: Path) -> tuple[str, ...]:
    """The user's class names, which must be the file's where it has some."""
    given = () if settings.labels is None else read_labels(settings.labels)
    if given and runtime.labels and given != runtime.labels:
        pairs = zip([*given, "(nothing)"], [*runtime.labels, "(nothing)"], strict=False)
        place, (own, inside) = next((at, pair) for at, pair in enumerate(pairs) if pair[0] != pair[1])
        raise UsageProblem(
            f"labels {settings.labels}: class {place} is {own}, and inside {path} it is {inside}. Give the labels that "
            "the artifact was made with, or none: it has its own."
        )
    return given or runtime.labels


def _opened(given: str, inputs: Sequence[HandoffTensor], labels: Sequence[str], settings: ModelSettings) -> Dataset:
    fitting = next((each.picture.resize for each in inputs if each.picture and each.picture.resize), settings.fitting)
    truths = () if settings.task is None else task_named(settings.task.kind).truths
    specs = [spec_of(each) for each in inputs]
    return open_dataset(given, specs, fitting, labels, truths=truths, settings=settings)


def _outputs(
    runtime: OwnRuntime, golden: Sequence[Golden], inspection: Inspection, *, on_cpu: bool
) -> tuple[HandoffTensor, ...]:
    tensors = [
        HandoffTensor(name=port.name, dtype=port.dtype, shape=port.shape, scale=port.scale, zero_point=port.zero_point)
        for port in runtime.outputs
    ]
    return with_tolerances(tensors, golden, inspection, on_cpu=on_cpu)


def _scores(subject: Subject, settings: ModelSettings) -> tuple[str, bool]:
    """Name of the output of class scores, empty for the first; and whether the model is known to be a classifier."""
    if settings.task is not None:
        return settings.task.ranked or "", settings.task.ranked is not None
    parities = () if subject.target is None else subject.target.parities
    return "", any(parity.classes is not None for parity in parities)


def _copy(subject: Subject, folder: Path, classes: Classes | None) -> None:
    place = folder / MODEL
    place.mkdir()
    if subject.path.is_dir():
        shutil.copytree(subject.path, place / subject.path.name)
    else:
        for path in (subject.path, *subject.form.packing.beside(subject.path)):
            shutil.copyfile(path, place / path.name)
    if classes is not None:
        _write(folder / LABELS, "".join(f"{name}\n" for name in classes.labels))


def _apps(subject: Subject, read: _Read) -> dict[Language, AppRuntime]:
    """None where the code could not hold the model's tensors or its file."""
    if _why_no_code(subject, read):
        return {}
    return languages(_system(subject), subject.form.handoff.apps)


def _why_no_code(subject: Subject, read: _Read) -> list[str]:
    beside = subject.form.packing.beside(subject.path)
    apart = [f"No code is generated: {subject.path.name} keeps weights in {beside[0].name}."] if beside else []
    return [*apart, *unheld((*read.inputs, *read.outputs))]


def _system(subject: Subject) -> str:
    return "" if subject.target is None else subject.target.minimum_os


def _known(subject: Subject, wanted: Wanted, read: _Read, apps: Mapping[Language, AppRuntime]) -> Handoff:
    classes, recorded = read.classes, "" if subject.record is None else subject.record.source.license
    return Handoff(
        name=subject.name,
        target="" if subject.target is None else subject.target.name,
        format=subject.form.title,
        minimum_os=_system(subject),
        artifact=f"{MODEL}/{subject.path.name}",
        sha256=tree_digest(subject.path),
        size_bytes=tree_size(subject.path),
        license=wanted.settings.license or recorded,
        inputs=read.inputs,
        outputs=read.outputs,
        reads="outputs" if classes is None else "classification",
        scores="" if classes is None else classes.scores,
        scored=0 if classes is None else classes.output,
        labels="" if classes is None else LABELS,
        runtime=read.runtime,
        data=_data(read),
        drawn=read.data is None,
        cases=tuple(one.case if classes is None else answered(one, classes, read.outputs) for one in read.golden),
        dependencies=tuple(_dependency(language, app) for language, app in apps.items()),
        not_generated=tuple(_missing(subject, wanted.settings, read, apps)),
    )


def _data(read: _Read) -> str:
    if read.data is None:
        return _MADE_UP
    drawn = sum(one.case.about == "made up" for one in read.golden)
    more = f", and {drawn} made up pictures of other sizes" if drawn else ""
    return f"{len(read.golden) - drawn} of {Path(read.data.name).name}{more}."


def _dependency(language: Language, app: AppRuntime) -> Dependency:
    return Dependency(language=language, title=app.title, place=app.place, version=app.version, license=app.license)


def _missing(subject: Subject, settings: ModelSettings, read: _Read, apps: Mapping[Language, AppRuntime]) -> list[str]:
    """What is left for the app team, in sentences."""
    found = [*read.notes, *_why_no_code(subject, read)]
    if not apps and not found:
        found.append(f"No code is generated: {subject.form.title} has none for {_system(subject)}.")
    if read.classes is None:
        task = (
            "the task is not known" if settings.task is None else f"decoding of {settings.task.kind} is not generated"
        )
        found.append(f"What the outputs mean is left to you ({task}): the tests compare them as numbers.")
    elif not settings.labels and read.classes.labels[0] == "class 0":
        found.append("The class names are not known, so that classes are called by their numbers. Give --labels.")
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
