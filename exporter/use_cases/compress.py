"""The use case of `mobile-export compress`: a source and a recipe in, a .pt2 file and what each step did out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.data.errors import UsageProblem
from exporter.data.model import ModelSettings
from exporter.data.progress import Progress
from exporter.data.recipe import load_recipe
from exporter.data.results import CompressResult
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.sources.load import ModelSource, load_source

if TYPE_CHECKING:
    from exporter.compression import CompressionData
    from exporter.compression.model import Progress as TrainingProgress

THOUSANDTHS = 1000


@dataclass(frozen=True)
class CompressRequest:
    """One `compress`.

    Attributes:
        spec: the MODEL argument.
        settings: what the user said of the model.
        recipe: a name or a TOML file.
        output: the .pt2 file; None writes none.
        targets_file: may hold the recipe.
        training: images for recovery and fine-tuning.
        calibration: representative data; None takes `training`.
        calibration_samples: at most so many examples calibrate.
        seed: instead of the recipe's.
        checkpoints: where trainings keep their state; a killed run goes on from there.
    """

    spec: str
    settings: ModelSettings
    recipe: str
    output: Path | None
    targets_file: Path | None = None
    training: str | None = None
    calibration: str | None = None
    calibration_samples: int = 100
    seed: int | None = None
    checkpoints: Path | None = None


def compress(request: CompressRequest, progress: Progress) -> CompressResult:
    """Carry out `request`.

    Raises:
        UsageProblem: the recipe, the model or the data do not fit; nothing was written.
        ToolError: a training diverged, or the result cannot be exported.
    """
    recipe = load_recipe(request.recipe, targets_file=request.targets_file)
    with progress.stage(f"Loading {request.spec}"):
        source = load_source(request.spec, request.settings)
    data = _data(request, source)
    from exporter.compression import apply_recipe
    from exporter.compression.forms.files import save_compressed

    with progress.stage(f"Compressing: {recipe.name}") as advance:

        def report(state: "TrainingProgress") -> None:
            advance(round(state.done * THOUSANDTHS), THOUSANDTHS)

        compressed = apply_recipe(
            _module(source), source.example_inputs(), recipe, data, seed=request.seed,
            checkpoint_dir=request.checkpoints, progress=report,
            load_model=lambda spec: _module(load_source(spec, request.settings)),
        )  # fmt: skip
    if request.output is not None:
        with progress.stage(f"Writing {request.output}"):
            save_compressed(compressed, request.output)
    return CompressResult(recipe, compressed.steps, compressed.hints)


def sensitivity_table(request: CompressRequest, progress: Progress) -> tuple[str, str]:
    """The sensitivity of every layer to pruning, as CSV and as SVG."""
    with progress.stage(f"Loading {request.spec}"):
        source = load_source(request.spec, request.settings)
    from exporter.compression.model import Context, own_copy, silent
    from exporter.compression.sensitivity import analyse, as_csv, as_svg

    module = own_copy(_module(source))
    context = Context(module, source.example_inputs(), _data(request, source), 0, None, silent, _module_of_nothing)
    with progress.stage("Pruning one layer at a time"):
        rows = analyse(module, context)
    return as_csv(rows), as_svg(rows)


def _module(source: ModelSource) -> Any:
    if source.module is None:
        raise UsageProblem(
            f"model {source.description.spec}: an ONNX model cannot be compressed. Give the PyTorch model."
        )
    return source.module


def _module_of_nothing(spec: str) -> Any:
    raise UsageProblem(f"the sensitivity analysis loads no other model ({spec}).")


def _data(request: CompressRequest, source: ModelSource) -> "CompressionData":
    from exporter.compression.data import compression_data

    def opened(given: str | None) -> Dataset | None:
        if given is None:
            return None
        description = source.description
        return open_dataset(given, description.inputs, request.settings.resize, description.labels)

    return compression_data(opened(request.calibration), opened(request.training), request.calibration_samples)
