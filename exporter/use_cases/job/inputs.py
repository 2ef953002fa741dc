"""What a run works on, each opened once: the models that it names, and the data."""

import time
from dataclasses import replace
from functools import cached_property

from exporter.config.model import completed
from exporter.data.facts.source import SourceDescription
from exporter.data.progress import Progress
from exporter.data.settings.model import ModelSettings
from exporter.datasets.dataset import Dataset
from exporter.datasets.open import open_dataset
from exporter.execution.stage import Stage, StageRunner
from exporter.sources.load import load_source
from exporter.sources.registry import light_key
from exporter.sources.source import ModelSource
from exporter.store.cache import Cache
from exporter.tasks.registry import task_named
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.tools import tool_versions
from exporter.verification.scoring import fits


class LoadedModels:
    """Model sources by their MODEL argument: the model itself, and the teachers and students that recipes name.

    Each is loaded once, and only when its module is needed: descriptions come from the cache when they can.

    Args:
        settings: what the user said of the model; they hold for every model of the run, over what its library says.
        stages: describe what the cache does not know; None keeps no description.

    Attributes:
        loading_s: what loading took until now, libraries included.
    """

    def __init__(self, settings: ModelSettings, progress: Progress, stages: StageRunner | None = None) -> None:
        self.settings = settings
        self.progress = progress
        self._stages = stages
        self._sources: dict[str, ModelSource] = {}
        self._descriptions: dict[str, SourceDescription] = {}
        self.loading_s = 0.0

    def source(self, spec: str) -> ModelSource:
        """The loaded source."""
        if spec not in self._sources:
            started = time.monotonic()
            with self.progress.stage(f"Loading {spec}"):
                loaded = load_source(spec, self.settings)
            self._sources[spec] = replace(loaded, settings=completed(self.settings, loaded.description))
            self.loading_s += time.monotonic() - started
        return self._sources[spec]

    def description(self, spec: str) -> SourceDescription:
        """From the cache when the source's files and options are the same, else from the source."""
        if spec not in self._descriptions:
            self._descriptions[spec] = self._described(spec)
        return self._descriptions[spec]

    def _described(self, spec: str) -> SourceDescription:
        light = None if self._stages is None else light_key(spec, self.settings)
        if self._stages is None or light is None:
            return self.source(spec).description
        stage = Stage("description", spec, "", (light,))
        return self._stages.value(stage, SourceDescription, lambda _: self.source(spec).description).value


class OpenedData:
    """Datasets by the user's argument, opened but not decoded, for one model.

    Args:
        settings: what the user said of the model: how images are fitted, what the task is measured by.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._opened: dict[str, Dataset] = {}

    def open(self, given: str, description: SourceDescription) -> Dataset:
        """What `given` names, for the task of the model and with images fitted as it needs them."""
        if given not in self._opened:
            settings = completed(self._settings, description)
            task, labels = settings.task, description.labels or description.classes
            names = labels if task is None else task.names(labels)
            self._opened[given] = open_dataset(
                given,
                description.inputs,
                settings.fitting,
                names,
                truths=() if task is None else task_named(task.kind).truths,
                settings=settings,
            )
        return self._opened[given]


class Inputs:
    """What one run is made from: its source, its data, and where results are kept; each as late as possible.

    A second identical run finds everything it needs in the cache and never loads torch.
    """

    def __init__(self, request: RunRequest, cache: Cache, progress: Progress) -> None:
        self.request = request
        self.cache = cache
        self.progress = progress
        self.stages = StageRunner(cache, progress, tool_versions, force=request.force)
        self.models = LoadedModels(request.settings, progress, self.stages)
        self._data = OpenedData(request.settings)

    def tell(self, progress: Progress) -> None:
        """Have `progress` told of all work from now on."""
        self.progress = self.stages.progress = self.models.progress = progress

    @property
    def source(self) -> ModelSource:
        """The loaded source."""
        return self.models.source(self.request.spec)

    @property
    def description(self) -> SourceDescription:
        """From the cache when the source's files and options are the same, else from the source."""
        return self.models.description(self.request.spec)

    @cached_property
    def settings(self) -> ModelSettings:
        """What the user said of the model, completed with what its library says."""
        return completed(self.request.settings, self.description)

    @property
    def calibration(self) -> Dataset | None:
        """Representative data, opened but not decoded."""
        return self._opened(self.request.calibration)

    @property
    def training(self) -> Dataset | None:
        """Images for recipes that train."""
        return self._opened(self.request.training)

    @property
    def given_evaluation(self) -> Dataset | None:
        """What the user gave to compare artifacts on: evaluation data, else calibration data."""
        if self.request.evaluation is not None:
            return self._opened(self.request.evaluation)
        data = self.calibration
        return data if data is None or fits(self.settings.task, data) else data.without_truths()

    def _opened(self, given: str | None) -> Dataset | None:
        return None if given is None else self._data.open(given, self.description)
