"""Compares one artifact with its source."""

import sys
from pathlib import Path

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.layers import LayerComparison
from exporter.data.progress import Progress
from exporter.data.record import Parity
from exporter.data.results import VerifyResult
from exporter.data.target import Target
from exporter.data.verdict import exit_code
from exporter.execution.heavy import load_torch
from exporter.formats.common.whole import check_whole
from exporter.gates.files import file_verdicts
from exporter.gates.parity import parity_verdicts
from exporter.store.cache import Cache
from exporter.use_cases.model import ModelAtHand
from exporter.use_cases.request import RunRequest
from exporter.verification.compare import compare
from exporter.verification.runners import CoremlRunner, Runner

_FORMATS = {".tflite": "tflite", ".mlpackage": "coreml", ".mlmodel": "coreml"}
_NAMES = {"tflite": "TFLite", "coreml": "Core ML"}


def verify(request: RunRequest, artifact: Path, progress: Progress, *, layers: bool = False) -> VerifyResult:
    """Comparisons, one an evaluator that this machine has, and a verdict for each tolerance.

    Args:
        request: the source, the target and the data.
        artifact: that anyone made.
        progress: shows what is being done.
        layers: compare a Core ML artifact with its PyTorch source layer by layer too, on one example.

    Raises:
        UsageProblem: the artifact is not there, damaged, of another format than the target, or its inputs, outputs or
            labels are not the source's; or layers cannot be had of it or of its source.
        ToolError: it does not run.
    """
    if not artifact.exists():
        raise UsageProblem(f"artifact {artifact}: there is no such file or folder.")
    target = load_targets(request.target_names, user_file=request.targets_file)[0]
    _refuse_other_format(artifact, target)
    if layers and artifact.suffix not in (".mlpackage", ".mlmodel"):
        raise UsageProblem(f"artifact {artifact}: layers can be compared in Core ML artifacts; this is none.")
    check_whole(artifact)
    model = ModelAtHand(request, Cache(request.cache_root), progress)
    parities = tuple(_compared(model, artifact, runner) for runner in _runners(artifact, model))
    verdicts = [verdict for parity in parities for verdict in parity_verdicts(target, parity, strict=request.strict)]
    verdicts += file_verdicts(target.name, artifact, model.description.labels)
    found = tuple(_layers(model, artifact)) if layers else None
    return VerifyResult(artifact, parities, tuple(verdicts), exit_code(verdicts, strict=request.strict), found)


def _compared(model: ModelAtHand, artifact: Path, runner: Runner) -> Parity:
    reference = model.reference_for(runner)
    with model.progress.stage(f"Verifying {artifact.name}") as advance:
        return compare(runner, reference, advance)


def _layers(model: ModelAtHand, artifact: Path) -> list[LayerComparison]:
    """Every layer that is found in both the artifact and the source, in order."""
    if model.source.module is None:
        raise UsageProblem(f"model {model.request.spec}: an ONNX source has no modules to compare layers with.")
    from exporter.formats.coreml.reference.layers import compare_layers

    torch = load_torch()
    runner = model.artifact_runner(artifact)
    assert isinstance(runner, CoremlRunner)
    example = model.evaluation.batch(model.evaluation.runs(1)[0])
    data = runner.features(example)
    with model.progress.stage("Comparing layers"):
        return compare_layers(runner.model, data, model.source.module, [torch.from_numpy(value) for value in example])


def _refuse_other_format(artifact: Path, target: Target) -> None:
    """A target's tolerances judge artifacts of its own format."""
    form = _FORMATS.get(artifact.suffix)
    if form is None:
        raise UsageProblem(f"artifact {artifact}: only {', '.join(_FORMATS)} can be verified.")
    if form != target.format:
        raise UsageProblem(
            f"artifact {artifact} is a {_NAMES[form]} model, and target {target.name} is for {_NAMES[target.format]}. "
            f"Give a target of the artifact's format; `mobile-export targets` lists them."
        )


def _runners(artifact: Path, model: ModelAtHand) -> list[Runner]:
    native = artifact.suffix != ".tflite" and sys.platform == "darwin"
    return [model.artifact_runner(artifact), *([model.artifact_runner(artifact, native=True)] if native else [])]
