"""The use case of `mobile-export compress`: a source and a recipe in, a .pt2 file and what each step did out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.compression.recipe import load_recipe
from exporter.data.progress import Progress
from exporter.data.results.commands import CompressResult
from exporter.data.settings.model import ModelSettings
from exporter.sources.source import ModelSource
from exporter.use_cases.job.inputs import LoadedModels, OpenedData
from exporter.use_cases.job.recipes import Job, carry_out, module_of

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


def compress(request: CompressRequest, progress: Progress) -> CompressResult:
    """Carry out `request`.

    Raises:
        UsageProblem: the recipe, the model or the data do not fit; nothing was written.
        ToolError: a training diverged, or the result cannot be exported.
    """
    recipe = load_recipe(request.recipe, targets_file=request.targets_file)
    models = LoadedModels(request.settings, progress)
    source = models.source(request.spec)
    job = Job(source, recipe, _data(request, source), models, request.seed, request.checkpoints)
    compressed = carry_out(job, progress)
    if request.output is not None:
        from exporter.compression.forms.files import save_compressed

        with progress.stage(f"Writing {request.output}"):
            save_compressed(compressed, request.output, source.description.inputs)
    return CompressResult(recipe, compressed.steps, compressed.hints)


def sensitivity_table(request: CompressRequest, progress: Progress) -> tuple[str, str]:
    """The sensitivity of every layer to pruning, as CSV and as SVG."""
    source = LoadedModels(request.settings, progress).source(request.spec)
    from exporter.compression.model import Context, own_copy
    from exporter.compression.sensitivity import analyse, as_csv, as_svg

    module = own_copy(module_of(source))
    data = _data(request, source)
    with progress.stage("Pruning one layer at a time") as advance:
        rows = analyse(module, Context(module, source.example_inputs(), data, advance=advance))
    return as_csv(rows), as_svg(rows)


def _data(request: CompressRequest, source: ModelSource) -> "CompressionData":
    from exporter.compression.data import compression_data

    data = OpenedData(request.settings)
    calibration, training = (
        None if given is None else data.open(given, source.description)
        for given in (request.calibration, request.training)
    )
    return compression_data(calibration, training, request.calibration_samples)
