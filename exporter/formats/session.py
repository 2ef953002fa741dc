"""ConversionSession: one source, and an artifact for each target asked for."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.checks import OperatorCheck
from exporter.data.facts.compression import LeftAlone
from exporter.data.facts.inspection import Inspection
from exporter.data.settings.target import Target
from exporter.datasets.dataset import Dataset
from exporter.execution.memory import give_back
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.common.preprocessing import SCOPE
from exporter.formats.files import inspect
from exporter.formats.format import Converter, Format
from exporter.formats.registry import format_named
from exporter.sources.source import ModelSource
from exporter.store.digests import tree_digest


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
        route: the way from the source that was taken.
        seconds: what it took.
    """

    path: Path
    twin_path: Path
    inspection: Inspection
    twin: Inspection
    left_alone: tuple[LeftAlone, ...]
    notes: tuple[str, ...]
    route: str
    seconds: float


@dataclass(frozen=True)
class Tail:
    """What stands behind a model in its artifact.

    Attributes:
        decoder: converts what decodes the model's outputs.
        asked: of the artifact, without the decoder.
        notes: what could not be done, in sentences.
    """

    decoder: "ConversionSession"
    asked: Postprocessing
    notes: tuple[str, ...] = ()


class ConversionSession:
    """Converts one source to any number of targets; graphs that they share are made once."""

    def __init__(self, source: ModelSource, calibration: Dataset | None, calibration_samples: int) -> None:
        from exporter.formats.common.tracing.graph import SourceGraph

        self._inspections: dict[str, Inspection] = {}
        self._converters: dict[str, Converter] = {}
        self.graph = SourceGraph(source, calibration, calibration_samples)

    def check(self, target: Target) -> OperatorCheck:
        """What is known of each operator before a conversion; see `Format.check`.

        Raises:
            UsageProblem: the target cannot be had from this source.
        """
        form = self._taken(target)
        return form.check(self.graph, target)

    def convert(self, target: Target, folder: Path) -> Conversion:
        """Write the artifact of `target`, and its uncompressed twin, into `folder`.

        Raises:
            UsageProblem: the target cannot be had from this source, or data is missing.
            ToolError: a converter failed.
        """
        started = time.monotonic()
        form = self._taken(target)
        path, twin = folder / form.file_name, folder / form.twin_name
        made = self._converter(form).convert(target, path, twin)
        give_back()
        inspection = self._inspect(path)
        return Conversion(
            path,
            twin,
            inspection,
            self._inspect(twin),
            made.left_alone(inspection),
            made.notes,
            made.route,
            time.monotonic() - started,
        )

    def convert_before(self, tail: Tail, target: Target, folder: Path) -> Conversion:
        """`convert`, with `tail` behind the model in the artifact and in its twin.

        Raises:
            UsageProblem: the target cannot be had from this source, or data is missing.
            ToolError: a converter failed.
        """
        started, form = time.monotonic(), format_named(target.format)
        with tempfile.TemporaryDirectory() as scratch:
            before, behind = Path(scratch, "model"), Path(scratch, "decoder")
            before.mkdir()
            behind.mkdir()
            made = self.convert(target, before)
            asked = replace(tail.asked, decoder=tail.decoder.convert(form.in_float(target), behind).path)
            for path in (made.path, made.twin_path):
                form.postprocess(target, path, folder / path.name, asked)
        path, twin = folder / made.path.name, folder / made.twin_path.name
        return replace(
            made,
            path=path,
            twin_path=twin,
            inspection=_behind(self._inspect(path), made.inspection),
            twin=_behind(self._inspect(twin), made.twin),
            notes=(*made.notes, *tail.notes),
            seconds=time.monotonic() - started,
        )

    def _taken(self, target: Target) -> Format:
        """The format of a target that can be had from this source."""
        form = format_named(target.format)
        if refusal := form.refuse(target, self.graph.description):
            raise UsageProblem(f"target {target.name}: {refusal}")
        return form

    def _converter(self, form: Format) -> Converter:
        if form.name not in self._converters:
            self._converters[form.name] = form.converter(self.graph)
        return self._converters[form.name]

    def _inspect(self, path: Path) -> Inspection:
        """Facts of a file; targets that share a twin look at it once."""
        digest = tree_digest(path)
        if digest not in self._inspections:
            try:
                self._inspections[digest] = _before(inspect(path))
            except UsageProblem as error:  # nobody gave this file: it was made here
                raise ToolError(f"what was converted cannot be inspected: {error}") from error
        return self._inspections[digest].model_copy(update={"path": str(path)})


def _before(inspection: Inspection) -> Inspection:
    """The operators marked that are not the model's, which stand before it, as their names say."""
    ops = (op.model_copy(update={"before": op.name.startswith(SCOPE)}) for op in inspection.ops)
    return inspection.model_copy(update={"ops": tuple(ops)})


def _behind(whole: Inspection, model: Inspection) -> Inspection:
    """`whole` with the operators marked that are not the model's, which come first."""
    ops = (op.model_copy(update={"behind": place >= len(model.ops)}) for place, op in enumerate(whole.ops))
    return whole.model_copy(update={"ops": tuple(ops)})
