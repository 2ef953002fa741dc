"""A target's recipe, applied once to the source and kept in the cache as a .pt2 file that carries its hints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter

from exporter.compression.recipe import load_recipe
from exporter.data.compression import StepResult
from exporter.data.model import ModelSettings
from exporter.data.recipe import Recipe
from exporter.formats.session import ConversionSession
from exporter.sources.load import ModelSource, load_source
from exporter.store.cache import key_of
from exporter.use_cases.compress import CompressRequest, compress
from exporter.use_cases.tools import tool_versions

if TYPE_CHECKING:
    from exporter.use_cases.model import ModelAtHand

REVISION = 3
FILE_NAME = "compressed.pt2"
_STEPS = TypeAdapter(tuple[StepResult, ...])


class Compressed(NamedTuple):
    """A compressed model in the cache."""

    key: str
    path: Path
    steps: tuple[StepResult, ...]


def compressed_model(model: "ModelAtHand", recipe: str) -> Compressed:
    """The source after `recipe`, from the cache when source, recipe and data are the same.

    Trainings keep their checkpoints in the cache too, so that a killed run goes on from there.

    Raises:
        UsageProblem: the recipe is not known, lacks data, or changes nothing.
    """
    request = model.request
    settings = load_recipe(recipe, targets_file=request.targets_file)
    data = [None if dataset is None else dataset.digest for dataset in (model.calibration, model.training)]
    key = key_of(
        "recipe", REVISION, model.description.digest, settings.model_dump(mode="json"), _named_models(model, settings),
        data, request.calibration_samples, tool_versions(),
    )  # fmt: skip
    if request.force:
        model.cache.drop(key)
    entry = model.cache.find(key) or model.cache.store(key, _filler(model, recipe, key))
    return Compressed(key, entry / FILE_NAME, _STEPS.validate_json((entry / "steps.json").read_bytes()))


def _named_models(model: "ModelAtHand", recipe: Recipe) -> list[str]:
    """Digests of the teachers and students that a recipe names: their files and code can change under their names."""
    specs = [spec for step in recipe.steps for spec in step.models()]
    return [load_source(spec, model.request.settings).description.digest for spec in specs]


def compressed_session(model: "ModelAtHand", compressed: Compressed) -> ConversionSession:
    """Converts a compressed model under the source's names, labels and normalization."""
    description = model.description
    settings = ModelSettings.model_validate(
        {
            **model.request.settings.model_dump(),
            "weights": None,
            "inputs": tuple(spec.model_dump(include={"name", "shape", "dtype"}) for spec in description.inputs),
            "outputs": description.outputs,
            "labels": None,
        }
    )
    loaded = load_source(str(compressed.path), settings)
    source = ModelSource(description, model.request.settings, loaded.module, hints=loaded.hints)
    return ConversionSession(source, model.calibration, model.request.calibration_samples)


def _filler(model: "ModelAtHand", recipe: str, key: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        request = model.request
        result = compress(
            CompressRequest(
                spec=request.spec,
                settings=request.settings,
                recipe=recipe,
                output=folder / FILE_NAME,
                targets_file=request.targets_file,
                training=request.training,
                calibration=request.calibration,
                calibration_samples=request.calibration_samples,
                checkpoints=model.cache.root / "checkpoints" / key,
            ),
            model.progress,
        )
        (folder / "steps.json").write_text(json.dumps(_STEPS.dump_python(result.steps, mode="json")), encoding="utf-8")

    return fill
