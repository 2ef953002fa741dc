"""ModelAtHand: the source of a run; described from the cache when possible, loaded only when something needs it."""

from functools import cached_property
from pathlib import Path

import numpy as np

from exporter.artifacts.cache import Cache, key_of
from exporter.conversion.session import ConversionSession
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.errors import UsageProblem
from exporter.pipeline.progress import Progress
from exporter.pipeline.recipes import Compressed, compressed_model, compressed_session
from exporter.pipeline.request import RunRequest
from exporter.pipeline.tools import tool_versions
from exporter.sources.description import SourceDescription, light_key
from exporter.sources.load import ModelSource, load_source
from exporter.verification.compare import Reference, noise, reference_outputs
from exporter.verification.runners import CoremlRunner, LiteRTRunner, OnnxRunner, Runner, TorchRunner


class ModelAtHand:
    """The source and its data, made as late as possible.

    A second identical run finds everything it needs in the cache and never loads torch.
    """

    def __init__(self, request: RunRequest, cache: Cache, progress: Progress) -> None:
        self.request = request
        self.cache = cache
        self.progress = progress
        self._compressed: dict[str, Compressed] = {}
        self._sessions: dict[str | None, ConversionSession] = {}

    @cached_property
    def source(self) -> ModelSource:
        """The loaded source."""
        with self.progress.stage(f"Loading {self.request.spec}"):
            return load_source(self.request.spec, self.request.settings)

    @cached_property
    def description(self) -> SourceDescription:
        """From the cache when the source's files and options are the same, else from the source."""
        light = light_key(self.request.spec, self.request.settings)
        if light is None:
            return self.source.description
        key = key_of("description", light, tool_versions())
        known = None if self.request.force else self.cache.read_json(key)
        if known is not None:
            return SourceDescription.model_validate(known)
        self.cache.drop(key)
        self.cache.store_json(key, self.source.description.model_dump(mode="json"))
        return self.source.description

    @cached_property
    def calibration(self) -> Dataset | None:
        """Representative data, opened but not decoded."""
        return None if self.request.calibration is None else self._open(self.request.calibration)

    @cached_property
    def evaluation(self) -> Dataset:
        """What artifacts are compared on: evaluation data, else calibration data, else noise."""
        given = self.request.evaluation or self.request.calibration
        if given is None:
            return noise(self.description.inputs)
        return self.calibration if given == self.request.calibration and self.calibration else self._open(given)

    @cached_property
    def training(self) -> Dataset | None:
        """Images for recipes that train."""
        return None if self.request.training is None else self._open(self.request.training)

    def compressed(self, recipe: str | None) -> Compressed | None:
        """The source after `recipe`; None for no recipe."""
        if recipe is None:
            return None
        if recipe not in self._compressed:
            self._compressed[recipe] = compressed_model(self, recipe)
        return self._compressed[recipe]

    def conversions(self, recipe: str | None) -> ConversionSession:
        """Converts the source as it is, or as `recipe` left it."""
        if recipe not in self._sessions:
            compressed = self.compressed(recipe)
            self._sessions[recipe] = (
                ConversionSession(self.source, self.calibration, self.request.calibration_samples)
                if compressed is None
                else compressed_session(self, compressed)
            )
        return self._sessions[recipe]

    @cached_property
    def source_runner(self) -> Runner:
        """Runs the source."""
        if self.source.onnx_path is not None:
            return OnnxRunner(self.source.onnx_path, self.description)
        return TorchRunner(self.source.module)

    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the source's outputs, from running it on zeros."""
        zeros = [np.zeros(spec.shape, spec.dtype) for spec in self.description.inputs]
        return [value.shape for value in self.source_runner(zeros)]

    @cached_property
    def reference(self) -> Reference:
        """The source's outputs on the evaluation data."""
        with self.progress.stage("Running the source model") as advance:
            return reference_outputs(
                self.source_runner, self.description, self.evaluation, self.request.evaluation_samples, advance
            )

    def artifact_runner(self, artifact: Path, *, native: bool = False) -> LiteRTRunner | CoremlRunner:
        """Runs a .tflite, or a Core ML model in the reference evaluator, or in Core ML itself if `native`.

        Raises:
            UsageProblem: the artifact is damaged, or its inputs, outputs or labels are not the source's.
        """
        description = self._named_outputs()
        if artifact.suffix == ".tflite":
            return LiteRTRunner(artifact, description, output_shapes=self.output_shapes)
        given = self.request.settings.labels is not None
        return CoremlRunner(artifact, description, native=native, output_shapes=self.output_shapes, labels_given=given)

    def _named_outputs(self) -> SourceDescription:
        """The description with the user's names of the outputs, which an ONNX file has names of its own for."""
        names, known = self.request.settings.outputs, self.description.outputs
        if names and len(names) != len(known):
            raise UsageProblem(
                f"model {self.request.spec} has {len(known)} outputs ({', '.join(known)}); "
                f"{len(names)} names were given."
            )
        return self.description.model_copy(update={"outputs": names or known})

    def _open(self, given: str) -> Dataset:
        return open_dataset(given, self.description.inputs, self.request.settings.resize, self.description.labels)
