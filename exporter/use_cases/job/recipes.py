"""A target's recipe, applied once to the source and kept in the cache as a .pt2 file that carries its hints."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from exporter.compression.recipe import load_recipe
from exporter.data.errors import UsageProblem
from exporter.data.facts.compression import StepResult
from exporter.data.progress import Progress
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.recipe import Recipe
from exporter.execution.stage import Stage
from exporter.formats.session import ConversionSession
from exporter.sources.load import load_source
from exporter.sources.source import ModelSource
from exporter.use_cases.job.inputs import Inputs, LoadedModels

if TYPE_CHECKING:
    from exporter.compression.model import CompressedModel, CompressionData

FILE_NAME = "compressed.pt2"
_STEPS = TypeAdapter(tuple[StepResult, ...])


class Compressed(NamedTuple):
    """A compressed model in the cache."""

    key: str
    path: Path
    steps: tuple[StepResult, ...]


@dataclass(frozen=True)
class Job:
    """A recipe and what it is applied to, all of it loaded.

    Attributes:
        models: gives the teachers and students that the recipe names.
    """

    source: ModelSource
    recipe: Recipe
    data: "CompressionData"
    models: LoadedModels
    seed: int | None = None
    checkpoints: Path | None = None


def compressed_model(inputs: Inputs, recipe: str) -> Compressed:
    """The source after `recipe`, from the cache when source, recipe and data are the same.

    Trainings keep their checkpoints in the cache too, so that a killed run goes on from there.

    Raises:
        UsageProblem: the recipe is not known, lacks data, or changes nothing.
    """
    request = inputs.request
    settings = load_recipe(recipe, targets_file=request.targets_file)
    stage = Stage("recipe", recipe, "", _decided_by(inputs, settings))
    done = inputs.stages.folder(stage, _filler(inputs, settings, inputs.stages.key(stage)))
    steps = _STEPS.validate_json((done.value / "steps.json").read_bytes())
    return Compressed(done.key, done.value / FILE_NAME, steps)


def _decided_by(inputs: Inputs, recipe: Recipe) -> tuple[object, ...]:
    """Everything of a run that decides a compressed model."""
    return (
        inputs.description.digest,
        recipe.model_dump(mode="json", exclude={"name", "description"}),
        _named_models(inputs, recipe),
        [None if dataset is None else dataset.digest for dataset in (inputs.calibration, inputs.training)],
        inputs.request.calibration_samples,
    )


def _named_models(inputs: Inputs, recipe: Recipe) -> list[str]:
    """Digests of the teachers and students that a recipe names: their files and code can change under their names."""
    specs = [spec for step in recipe.steps for spec in step.models()]
    return [inputs.models.description(spec).digest for spec in specs]


def compressed_session(inputs: Inputs, compressed: Compressed) -> ConversionSession:
    """Converts a compressed model under the source's names, labels and normalization."""
    description = inputs.description
    settings = ModelSettings.model_validate(
        {
            **inputs.request.settings.model_dump(),
            "weights": None,
            "inputs": tuple(spec.model_dump(include={"name", "shape", "dtype"}) for spec in description.inputs),
            "outputs": description.outputs,
            "labels": None,
            "task": None,
        }
    )
    loaded = load_source(str(compressed.path), settings)
    source = ModelSource(description, inputs.settings, loaded.module, hints=loaded.hints)
    return ConversionSession(source, inputs.calibration, inputs.request.calibration_samples)


def _filler(inputs: Inputs, recipe: Recipe, key: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        from exporter.compression.data import compression_data
        from exporter.compression.forms.files import save_compressed

        data = compression_data(inputs.calibration, inputs.training, inputs.request.calibration_samples)
        checkpoints = inputs.cache.root / "checkpoints" / key
        compressed = carry_out(
            Job(inputs.source, recipe, data, inputs.models, checkpoints=checkpoints), inputs.progress
        )
        save_compressed(compressed, folder / FILE_NAME, inputs.description.inputs)
        (folder / "steps.json").write_bytes(_STEPS.dump_json(compressed.steps))

    return fill


def carry_out(job: Job, progress: Progress) -> "CompressedModel":
    """Apply the recipe.

    Raises:
        UsageProblem: the recipe, the model or the data do not fit.
        ToolError: a training diverged.
    """
    from exporter.compression.apply import apply_recipe

    return apply_recipe(
        module_of(job.source),
        job.source.example_inputs(),
        job.recipe,
        job.data,
        seed=job.seed,
        checkpoint_dir=job.checkpoints,
        progress=progress,
        load_model=lambda spec: module_of(job.models.source(spec)),
    )


def module_of(source: ModelSource) -> Any:
    """The torch module of a source that is to be compressed.

    Raises:
        UsageProblem: it has none.
    """
    if source.module is None:
        raise UsageProblem(
            f"model {source.description.spec}: an ONNX model cannot be compressed. Give the PyTorch model."
        )
    return source.module
