"""Compares one artifact with its source."""

from pathlib import Path

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.facts.layers import MODEL, LayerFindings, Layers
from exporter.data.facts.parity import Parity
from exporter.data.progress import Progress
from exporter.data.results.commands import VerifyResult
from exporter.data.settings.target import Target
from exporter.data.verdict import Verdict, exit_code
from exporter.formats.files import check_whole, file_facts
from exporter.formats.format import Format
from exporter.formats.registry import advice_for, all_formats, format_named, format_of, suffixes
from exporter.gates.files import file_verdicts
from exporter.gates.parity import parity_verdicts
from exporter.gates.tasks import task_verdicts
from exporter.store.cache import open_cache
from exporter.use_cases.job.compare import compared
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from exporter.verification.layers import LEAST_SNR_DB, findings


def verify(request: RunRequest, artifact: Path, progress: Progress, *, layers: bool = False) -> VerifyResult:
    """Comparisons, one an evaluator that this machine has, and a verdict for each tolerance.

    Args:
        request: the source, the target and the data.
        artifact: that anyone made.
        progress: shows what is being done.
        layers: compare layer by layer too, on one example.

    Raises:
        UsageProblem: the artifact is not there, damaged, of another format than the target, or its inputs, outputs or
            labels are not the source's; or its format tells no layers, its source has none, or the artifact has none
            of them.
        ToolError: it does not run.
    """
    if not artifact.exists():
        raise UsageProblem(f"artifact {artifact}: there is no such file or folder.")
    target = load_targets(request.target_names, user_file=request.targets_file)[0]
    form = _form_for(artifact, target)
    if layers:
        _refuse_without_layers(artifact, form)
    check_whole(artifact)
    model = ModelAtHand(request, open_cache(request.cache_root, progress.note), progress)
    parities = tuple(_compared(model, artifact, target, name) for name in form.evaluators())
    verdicts = [verdict for parity in parities for verdict in _judged(target, parity, strict=request.strict)]
    verdicts += file_verdicts(target.name, file_facts(artifact), model.description.labels)
    found = _layers(model, artifact, form, target) if layers else None
    return VerifyResult(artifact, parities, tuple(verdicts), exit_code(verdicts, strict=request.strict), found)


def _compared(model: ModelAtHand, artifact: Path, target: Target, evaluator: str) -> Parity:
    with model.progress.stage(f"Verifying {artifact.name}") as advance:
        return compared(model, target, _form_for(artifact, target), artifact, evaluator, advance)


def _judged(target: Target, parity: Parity, *, strict: bool) -> list[Verdict]:
    found = parity_verdicts(target, parity, strict=strict, advice=advice_for(target))
    return [*found, *task_verdicts(target, parity, strict=strict)]


def _refuse_without_layers(artifact: Path, form: Format) -> None:
    if form.layers is None:
        titles = " and ".join(one.title for one in all_formats() if one.layers is not None)
        raise UsageProblem(f"artifact {artifact}: layers can be compared in {titles} artifacts; this is none.")


def _layers(model: ModelAtHand, artifact: Path, form: Format, target: Target) -> LayerFindings:
    """Every layer that is found in both the artifact and its PyTorch source, on one example, in order."""
    if model.source.module is None:
        raise UsageProblem(f"model {model.request.spec}: an ONNX source has no modules to compare layers with.")
    assert form.layers is not None
    example = model.evaluation.batch(model.evaluation.runs(1)[0])
    with model.progress.stage("Comparing layers"):
        found = form.layers(artifact, model.origin, model.source.module, example)
    _refuse_another_model(found, artifact, model.request.spec)
    return findings(found, target.tolerances, advice_for(target))


def _refuse_another_model(layers: Layers, artifact: Path, spec: str) -> None:
    """A layer that lies in its place by order alone, and gives other numbers, is no sign of the model."""
    known = [one for one in layers.compared if one.module != MODEL]
    if layers.not_matched and not any(one.matched_by != "order" or one.snr_db >= LEAST_SNR_DB for one in known):
        raise UsageProblem(
            f"artifact {artifact}: none of the {len(known) + len(layers.not_matched)} layers of {spec} can be found in "
            "it. Give the model that it was made from."
        )


def _form_for(artifact: Path, target: Target) -> Format:
    """The artifact's format, which is the target's: its tolerances judge artifacts of its own format."""
    form = format_of(artifact)
    if form is None:
        raise UsageProblem(f"artifact {artifact}: only {suffixes()} can be verified.")
    if form.name != target.format:
        raise UsageProblem(
            f"artifact {artifact} is a {form.title} model, and target {target.name} is for "
            f"{format_named(target.format).title}. "
            f"Give a target of the artifact's format; `mobile-export targets` lists them."
        )
    return form
