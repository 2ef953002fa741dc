"""ModelAtHand: the source of a run; described from the cache when possible, loaded only when something needs it."""

from functools import cached_property

from exporter.artifacts.cache import Cache, key_of
from exporter.conversion.session import ConversionSession
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.pipeline.progress import Progress
from exporter.pipeline.recipes import Compressed, compressed_model, compressed_session
from exporter.pipeline.request import RunRequest
from exporter.pipeline.tools import tool_versions
from exporter.sources.description import SourceDescription, light_key
from exporter.sources.load import ModelSource, load_source
from exporter.verification.compare import Reference, noise, reference_outputs
from exporter.verification.runners import OnnxRunner, TorchRunner

DESCRIPTION_REVISION = 2
"""Raise it when a change of this program changes descriptions made from the same source."""


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
        key = key_of("description", DESCRIPTION_REVISION, light, tool_versions())
        known = None if self.request.force else self.cache.read_json(key, SourceDescription.model_validate)
        if known is not None:
            return known
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
    def reference(self) -> Reference:
        """The source's outputs on the evaluation data."""
        runner = (
            OnnxRunner(self.source.onnx_path, self.description)
            if self.source.onnx_path is not None
            else TorchRunner(self.source.module)
        )
        with self.progress.stage("Running the source model") as advance:
            return reference_outputs(
                runner, self.description, self.evaluation, self.request.evaluation_samples, advance
            )

    def _open(self, given: str) -> Dataset:
        return open_dataset(given, self.description.inputs, self.request.settings.resize, self.description.labels)
