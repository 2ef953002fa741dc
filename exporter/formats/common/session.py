"""ConversionSession: one source, and an artifact for each target asked for."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.data.compression import LeftAlone
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.inspection import Inspection
from exporter.data.target import CoremlTarget, Target
from exporter.datasets.dataset import Dataset
from exporter.formats.common.inspect import inspect
from exporter.sources.load import ModelSource
from exporter.store.digests import tree_digest

if TYPE_CHECKING:  # torch and each format's libraries are imported when a target needs them
    from exporter.formats.coreml.conversion.converter import CoremlConverter
    from exporter.formats.tflite.conversion.converter import TfliteConverter

FILE_NAMES = {"tflite": "model.tflite", "coreml": "Model.mlpackage"}
TWIN_NAMES = {"tflite": "twin.tflite", "coreml": "Twin.mlpackage"}


@dataclass(frozen=True)
class Conversion:
    """What `ConversionSession.convert` made.

    Attributes:
        path: of the artifact.
        twin_path: of the same model in the same format without compression.
        inspection: of the artifact.
        twin: inspection of the twin.
        left_alone: weights that a library skipped.
        notes: sentences about what a setting asked for and could not be done.
        seconds: what it took.
    """

    path: Path
    twin_path: Path
    inspection: Inspection
    twin: Inspection
    left_alone: tuple[LeftAlone, ...]
    notes: tuple[str, ...]
    seconds: float


class ConversionSession:
    """Converts one source to any number of targets; graphs that they share are made once."""

    def __init__(self, source: ModelSource, calibration: Dataset | None, calibration_samples: int) -> None:
        from exporter.formats.common.tracing.graph import SourceGraph

        self._inspections: dict[str, Inspection] = {}
        self.graph = SourceGraph(source, calibration, calibration_samples)

    def convert(self, target: Target, folder: Path) -> Conversion:
        """Write the artifact of `target`, and its uncompressed twin, into `folder`.

        Raises:
            UsageProblem: the target cannot be had from this source, or data is missing.
            ToolError: a converter failed.
        """
        started = time.monotonic()
        path, twin = folder / FILE_NAMES[target.format], folder / TWIN_NAMES[target.format]
        left: tuple[LeftAlone, ...] = ()
        notes: tuple[str, ...] = ()
        if isinstance(target, CoremlTarget):
            conversion = self._coreml.convert(target, path, twin)
            inspection = self._inspect(path)
            left, notes = conversion.left_alone(inspection), conversion.notes
        else:
            notes = self._tflite.convert(target, path, twin)
            inspection = self._inspect(path)
        return Conversion(path, twin, inspection, self._inspect(twin), left, notes, time.monotonic() - started)

    def _inspect(self, path: Path) -> Inspection:
        """Facts of a file; targets that share a twin look at it once."""
        digest = tree_digest(path)
        if digest not in self._inspections:
            try:
                self._inspections[digest] = inspect(path)
            except UsageProblem as error:  # nobody gave this file: it was made here
                raise ToolError(f"what was converted cannot be inspected: {error}") from error
        return self._inspections[digest].model_copy(update={"path": str(path)})

    @cached_property
    def _tflite(self) -> "TfliteConverter":
        from exporter.formats.tflite.conversion.converter import TfliteConverter

        return TfliteConverter(self.graph)

    @cached_property
    def _coreml(self) -> "CoremlConverter":
        from exporter.formats.coreml.conversion.converter import CoremlConverter

        return CoremlConverter(self.graph)
