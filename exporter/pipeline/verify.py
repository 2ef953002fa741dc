"""Compares one artifact with its source."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.artifacts.cache import Cache
from exporter.datasets.core_ml import core_ml_features
from exporter.errors import UsageProblem
from exporter.heavy import load_torch
from exporter.pipeline.model import ModelAtHand
from exporter.pipeline.progress import Progress
from exporter.pipeline.request import RunRequest
from exporter.record import Parity
from exporter.targets.load import load_targets
from exporter.verdicts import Verdict
from exporter.verification.compare import compare
from exporter.verification.gate import parity_verdicts
from exporter.verification.labels import label_verdicts
from exporter.verification.runners import CoremlRunner, LiteRTRunner, Runner

if TYPE_CHECKING:
    from exporter.coreml_reference.layers import LayerComparison


def verify(request: RunRequest, artifact: Path, progress: Progress) -> tuple[list[Parity], list[Verdict]]:
    """Comparisons, one an evaluator that this machine has, and a verdict for each tolerance.

    Raises:
        UsageProblem: the artifact is not there, or of a form that cannot be run here.
        ToolError: its inputs or outputs are not the source's.
    """
    if not artifact.exists():
        raise UsageProblem(f"artifact {artifact}: there is no such file or folder.")
    target = load_targets(request.target_names, user_file=request.targets_file)[0]
    model = ModelAtHand(request, Cache(request.cache_root), progress)
    parities = []
    for runner in _runners(artifact, model):
        reference = model.reference_for(runner)
        with progress.stage(f"Verifying {artifact.name}") as advance:
            parities.append(compare(runner, reference, advance))
    verdicts = [verdict for parity in parities for verdict in parity_verdicts(target, parity, strict=request.strict)]
    return parities, [*verdicts, *label_verdicts(target.name, artifact, model.description.labels)]


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
    from exporter.coreml_reference.layers import compare_layers

    torch = load_torch()
    runner = CoremlRunner(artifact, model.description)
    example = model.evaluation.batch(model.evaluation.runs(1)[0])
    data = core_ml_features(model.description.inputs, example, runner.images)
    with progress.stage("Comparing layers"):
        return compare_layers(runner.model, data, model.source.module, [torch.from_numpy(value) for value in example])


def _runners(artifact: Path, model: ModelAtHand) -> list[Runner]:
    if artifact.suffix == ".tflite":
        return [LiteRTRunner(artifact, model.description)]
    if artifact.suffix in (".mlpackage", ".mlmodel"):
        native = [CoremlRunner(artifact, model.description, native=True)] if sys.platform == "darwin" else []
        return [CoremlRunner(artifact, model.description), *native]
    raise UsageProblem(f"artifact {artifact}: only .tflite, .mlpackage and .mlmodel can be verified.")
