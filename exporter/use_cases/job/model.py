"""ModelAtHand: the source of a run, as it is and as its recipes left it, and what it computes on the data."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec, SourceDescription
from exporter.data.progress import Advance, Progress
from exporter.datasets.checks import calibration_warnings, turned_note
from exporter.datasets.cut import cut
from exporter.datasets.dataset import Dataset
from exporter.datasets.examples.pictures import as_pictures
from exporter.execution.stage import Stage
from exporter.formats.artifact_runner import ArtifactRunner
from exporter.formats.format import Origin
from exporter.formats.session import ConversionSession
from exporter.store.cache import Cache
from exporter.tasks.detection.settings import Detection
from exporter.use_cases.job.inputs import Inputs
from exporter.use_cases.job.postprocess import parts
from exporter.use_cases.job.recipes import Compressed, compressed_session
from exporter.use_cases.job.request import RunRequest
from exporter.verification.compare import Reference, reference_outputs
from exporter.verification.noise import IntegerRange, check_ids, holds_integers, integer_ranges, noise
from exporter.verification.runners import OnnxRunner, Runner, TorchRunner

if TYPE_CHECKING:  # torch
    from exporter.tasks.detection.infile import InFile


class ModelAtHand(Inputs):
    """The inputs of a run, and what is made of them for all of its targets together."""

    def __init__(self, request: RunRequest, cache: Cache, progress: Progress) -> None:
        super().__init__(request, cache, progress)
        self._sessions: dict[str | None, ConversionSession] = {}
        self._detectors: dict[str | None, tuple[InFile, ConversionSession]] = {}

    @cached_property
    def evaluation(self) -> Dataset:
        """What artifacts are compared on: evaluation data, else calibration data, else noise."""
        given = self.given_evaluation
        return noise(self.description.inputs, self.integer_ranges) if given is None else given

    @cached_property
    def integer_ranges(self) -> dict[str, IntegerRange]:
        """What the integer inputs can hold, found out once a source."""
        if not any(holds_integers(spec) for spec in self.description.inputs):
            return {}
        says = "Finding out what integer inputs can hold"
        stage = Stage("integers", self.request.spec, says, (self.description.digest,))
        return self.stages.value(
            stage,
            dict[str, IntegerRange],
            lambda _: integer_ranges(self.source_runner, self.source.module, self.description.inputs),
        ).value

    def _opened(self, given: str | None) -> Dataset | None:
        """Refuses ids that the source has no embedding for, which some runtimes read beyond its end for."""
        data = super()._opened(given)
        if data is not None and data.greatest:
            check_ids(data, self.integer_ranges)
        return data

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the source and the data; looked at once a dataset."""
        return (*self.description.notes, *self._data_warnings())

    def _data_warnings(self) -> list[str]:
        opened = [data for data in (self.calibration, self.evaluation if self.request.verify else None) if data]
        return [note for data in {data.digest: data for data in opened}.values() for note in self._notes_of(data)]

    def _notes_of(self, data: Dataset) -> list[str]:
        calibrates = self.calibration is not None and data.digest == self.calibration.digest
        samples = self.request.calibration_samples if calibrates else None

        def look(advance: Advance) -> list[str]:
            found = calibration_warnings(data, self.description.inputs, samples) if samples else []
            return [*data.notes, *turned_note(data), *found]

        # The notes name the data and the inputs.
        decided_by = (data.digest, data.name, samples, self.description.digest)
        stage = Stage("data", data.name, f"Looking through {data.name}", decided_by)
        return self.stages.value(stage, list[str], look).value

    def conversions(self, compressed: Compressed | None) -> ConversionSession:
        """Converts the source as it is, or as a recipe left it."""
        key = None if compressed is None else compressed.key
        if key not in self._sessions:
            self._sessions[key] = (
                ConversionSession(self.source, self.calibration, self.request.calibration_samples)
                if compressed is None
                else compressed_session(self, compressed)
            )
        return self._sessions[key]

    def detector(self, task: Detection, compressed: Compressed | None) -> "tuple[InFile, ConversionSession]":
        """A detector as it is or as a recipe left it: what its file is made of, and what converts the model itself."""
        key = None if compressed is None else compressed.key
        if key not in self._detectors:
            found = parts(self.conversions(compressed).graph.source, task)
            session = ConversionSession(found.head, self.calibration, self.request.calibration_samples)
            self._detectors[key] = found, session
        return self._detectors[key]

    @cached_property
    def source_runner(self) -> Runner:
        """Runs the source."""
        if self.source.onnx_path is not None:
            return OnnxRunner(self.source.onnx_path, self.description)
        return TorchRunner(self.source.module)

    def reference_for(self, runner: ArtifactRunner) -> Reference:
        """The source's outputs on what `runner` is given, which may be whole pixels."""
        return self._picture_reference if runner.takes_pictures and not self.evaluation.pixels else self.reference

    def examples_of(self, sized: Sequence[InputSpec], runner: ArtifactRunner) -> Dataset:
        """Examples of these shapes as `runner` takes them: cut from the evaluation data, or drawn anew."""
        if self.given_evaluation is None:
            drawn = any(holds_integers(spec) for spec in sized)
            ranges = integer_ranges(self.source_runner, self.source.module, sized) if drawn else {}
            return noise(sized, ranges)
        pictures = as_pictures(self.evaluation, self.description.inputs) if runner.takes_pictures else self.evaluation
        return cut(pictures, sized)

    @cached_property
    def reference(self) -> Reference:
        """The source's outputs on the evaluation data."""
        return self._run_source(self.evaluation)

    @cached_property
    def _picture_reference(self) -> Reference:
        return self._run_source(as_pictures(self.evaluation, self.description.inputs))

    def _run_source(self, data: Dataset) -> Reference:
        with self.progress.stage("Running the source model") as advance:
            return reference_outputs(
                self.source_runner,
                self.origin.description,
                data,
                self.request.evaluation_samples,
                advance,
                self.settings.task,
            )

    @property
    def origin(self) -> Origin:
        """The source as artifacts are run beside it."""

        def shapes() -> Sequence[tuple[int, ...]]:
            return self.description.output_shapes

        return Origin(self._named_outputs(), shapes, self.request.settings.labels is not None)

    def _named_outputs(self) -> SourceDescription:
        """The description with the user's names of the outputs, which an ONNX file has names of its own for."""
        names, known = self.request.settings.outputs, self.description.outputs
        if names and len(names) != len(known):
            raise UsageProblem(
                f"model {self.request.spec} has {len(known)} outputs ({', '.join(known)}); "
                f"{len(names)} names were given."
            )
        return self.description.model_copy(update={"outputs": names or known})
