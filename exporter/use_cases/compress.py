"""The use case of `mobile-export compress`: a source and a recipe in, a .pt2 file and what each step did out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.compression.recipe import load_recipe
from exporter.data.compression import StepResult
from exporter.data.errors import UsageProblem
from exporter.data.hints import CompressionHints
from exporter.data.model import ModelSettings
from exporter.data.progress import Progress
from exporter.data.recipe import Recipe
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.sources.load import ModelSource, load_source

if TYPE_CHECKING:
    from exporter.compression.model import CompressionData


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


@dataclass(frozen=True)
class CompressResult:
    """What `compress` did; the numbers of each step are in `steps`."""

    recipe: Recipe
    steps: tuple[StepResult, ...]
    hints: CompressionHints


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
    from exporter.compression.apply import apply_recipe
    from exporter.compression.forms.files import save_compressed

    compressed = apply_recipe(
        _module(source),
        source.example_inputs(),
        recipe,
        data,
        seed=request.seed,
        checkpoint_dir=request.checkpoints,
        progress=progress,
        load_model=lambda spec: _module(load_source(spec, request.settings)),
    )
    if request.output is not None:
        with progress.stage(f"Writing {request.output}"):
            save_compressed(compressed, request.output)
    return CompressResult(recipe, compressed.steps, compressed.hints)


def sensitivity_table(request: CompressRequest, progress: Progress) -> tuple[str, str]:
    """The sensitivity of every layer to pruning, as CSV and as SVG."""
    with progress.stage(f"Loading {request.spec}"):
        source = load_source(request.spec, request.settings)
    from exporter.compression.model import Context, own_copy
    from exporter.compression.sensitivity import analyse, as_csv, as_svg

    module = own_copy(_module(source))
    data = _data(request, source)
    with progress.stage("Pruning one layer at a time") as advance:
        rows = analyse(module, Context(module, source.example_inputs(), data, advance=advance))
    return as_csv(rows), as_svg(rows)


def _module(source: ModelSource) -> Any:
    if source.module is None:
        raise UsageProblem(
            f"model {source.description.spec}: an ONNX model cannot be compressed. Give the PyTorch model."
        )
    return source.module


def _data(request: CompressRequest, source: ModelSource) -> "CompressionData":
    from exporter.compression.data import compression_data

    def opened(given: str | None) -> Dataset | None:
        if given is None:
            return None
        description = source.description
        return open_dataset(given, description.inputs, request.settings.resize, description.labels)

    return compression_data(opened(request.calibration), opened(request.training), request.calibration_samples)
