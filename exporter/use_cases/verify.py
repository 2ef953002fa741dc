"""Compares one artifact with its source."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.parity import Parity
from exporter.data.progress import Progress
from exporter.data.target import Target
from exporter.data.verdict import Verdict
from exporter.execution.heavy import load_torch
from exporter.formats.common.advice import advice_for
from exporter.formats.common.file_facts import file_facts
from exporter.formats.common.whole import check_whole
from exporter.gates.files import file_verdicts
from exporter.gates.parity import parity_verdicts
from exporter.store.cache import Cache
from exporter.use_cases.model import ModelAtHand
from exporter.use_cases.request import RunRequest
from exporter.verification.compare import compare
from exporter.verification.runners import CoremlRunner, Runner

if TYPE_CHECKING:
    from exporter.formats.coreml.reference.layers import LayerComparison

_FORMATS = {".tflite": "tflite", ".mlpackage": "coreml", ".mlmodel": "coreml"}
_NAMES = {"tflite": "TFLite", "coreml": "Core ML"}


def verify(request: RunRequest, artifact: Path, progress: Progress) -> tuple[list[Parity], list[Verdict]]:
    """Comparisons, one an evaluator that this machine has, and a verdict for each tolerance.

    Raises:
        UsageProblem: the artifact is not there, damaged, of another format than the target, or its inputs, outputs or
            labels are not the source's.
        ToolError: it does not run.
    """
    if not artifact.exists():
        raise UsageProblem(f"artifact {artifact}: there is no such file or folder.")
    target = load_targets(request.target_names, user_file=request.targets_file)[0]
    _refuse_other_format(artifact, target)
    check_whole(artifact)
    model = ModelAtHand(request, Cache(request.cache_root), progress)
    parities = []
    for runner in _runners(artifact, model):
        reference = model.reference_for(runner)
        with progress.stage(f"Verifying {artifact.name}") as advance:
            parities.append(compare(runner, reference, advance))
    verdicts = [
        verdict
        for parity in parities
        for verdict in parity_verdicts(target, parity, strict=request.strict, advice=advice_for(target))
    ]
    return parities, [*verdicts, *file_verdicts(target.name, file_facts(artifact), model.description.labels)]


def compare_layers_of(request: RunRequest, artifact: Path, progress: Progress) -> "list[LayerComparison]":
    """Every layer that is found in both a Core ML artifact and its PyTorch source, on one example, in order.

    Raises:
        UsageProblem: the artifact is not Core ML, or the source is not PyTorch.
    """
    if artifact.suffix not in (".mlpackage", ".mlmodel"):
        raise UsageProblem(f"artifact {artifact}: layers can be compared in Core ML artifacts; this is none.")
    model = ModelAtHand(request, Cache(request.cache_root), progress)
    if model.source.module is None:
        raise UsageProblem(f"model {request.spec}: an ONNX source has no modules to compare layers with.")
    from exporter.formats.coreml.reference.layers import compare_layers

    torch = load_torch()
    runner = model.artifact_runner(artifact)
    assert isinstance(runner, CoremlRunner)
    example = model.evaluation.batch(model.evaluation.runs(1)[0])
    data = runner.features(example)
    with progress.stage("Comparing layers"):
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
