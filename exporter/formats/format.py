"""Format: everything that the rest of the program may ask of a kind of artifact.

An implementation is one folder, `exporter/formats/NAME`, whose module `format` holds `FORMAT`, and one row of the table
in `exporter.formats.registry`. Importing it loads no heavy library; what needs one imports it when it is called.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from device_harness.runners.documents import DocumentRunner
from exporter.data.facts.advice import Advice
from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.checks import OperatorCheck
from exporter.data.facts.compression import LeftAlone
from exporter.data.facts.inspection import Inspection
from exporter.data.facts.layers import Layers
from exporter.data.facts.source import SourceDescription
from exporter.data.settings.target import Target
from exporter.formats.artifact_runner import Answered, ArtifactRunner
from exporter.formats.common.ports import Shapes
from exporter.formats.common.postprocessing.asked import Postprocessing
from exporter.formats.devices import DeviceSupport
from exporter.formats.handoff import HandoffSupport
from exporter.formats.packing import Packing
from exporter.formats.variants import Variant

if TYPE_CHECKING:  # torch
    from numpy.typing import NDArray

    from exporter.formats.common.tracing.graph import SourceGraph

Accelerator = Literal["cpu", "gpu", "npu", "any"]


@dataclass(frozen=True)
class Origin:
    """The source that an artifact is run beside.

    Attributes:
        description: of the source, with the user's names of its outputs.
        output_shapes: of the source, asked for only where names do not tell which output is which.
        labels_given: whether the user gave the class names, so that they must be the artifact's.
    """

    description: SourceDescription
    output_shapes: Shapes | None = None
    labels_given: bool = False


def nothing_left(inspection: Inspection) -> tuple[LeftAlone, ...]:
    """For formats whose library skips no weight without saying so."""
    return ()


@dataclass(frozen=True)
class Made:
    """What a converter says of the artifact that it wrote.

    Attributes:
        route: the way from the source that was taken.
        notes: sentences about what a setting asked for and could not be done.
        left_alone: gives, from the inspection, the weights that a library skipped.
    """

    route: str
    notes: tuple[str, ...] = ()
    left_alone: Callable[[Inspection], tuple[LeftAlone, ...]] = nothing_left


class Converter(Protocol):
    """Makes every artifact of one source; what targets share is made once."""

    def convert(self, target: Any, path: Path, twin: Path) -> Made:
        """Write the artifact to `path`, and the same model without compression to `twin`.

        Both take pixels where the target's `preprocessing` says so, and tell in their metadata how a picture becomes an
        input, and of normalization what is left to do (`exporter.formats.common.pictures`).

        Args:
            target: of the format's own type.

        Raises:
            UsageProblem: the target cannot be had from this source, or data is missing.
            ToolError: every route failed.
        """
        ...


CompareLayers = Callable[[Path, Origin, Any, "Sequence[NDArray[Any]]"], Layers]
"""Every call of a module of the source on one example, as the source takes it, beside what an artifact has for it."""


class Format(Protocol):
    """One kind of artifact.

    Attributes:
        name: in settings and records.
        title: in sentences.
        suffixes: of files that anyone made, the usual one first.
        file_name: of the artifact in a run's folder.
        twin_name: of the same model without compression.
        target_type: settings of a target.
        newest_os: a system that holds everything that the settings can say.
        libraries: distributions that decide an artifact's bytes, or what is found out about it.
        routes: names of the ways from a source to an artifact, in the order in which they are tried.
        packing: how apps carry it.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    file_name: str
    twin_name: str
    target_type: type[Target]
    newest_os: str
    libraries: tuple[str, ...]
    routes: tuple[str, ...]
    packing: Packing

    @property
    def layers(self) -> CompareLayers | None:
        """Compares an artifact with its PyTorch source layer by layer; None where nothing can."""
        ...

    def refuse(self, target: Any, source: SourceDescription) -> str | None:
        """Why `target` cannot be had from this source, as a sentence; None when nothing is known against it."""
        ...

    def decides(self, target: Any) -> Mapping[str, Any]:
        """All settings that decide the artifact's bytes."""
        ...

    def advice(self, target: Any) -> Advice:
        """Facts and words for the sentences of the gates."""
        ...

    def accelerator(self, target: Any) -> Accelerator:
        """Where the app asks that the model runs."""
        ...

    def check(self, graph: "SourceGraph", target: Any) -> OperatorCheck:
        """What is known of each operator of a source on a target without converting it.

        What it refuses no conversion makes; of the rest the conversion's own checks have the last word.

        Args:
            graph: the source, whose graphs a converter would start from.
            target: of the format's own type.

        Raises:
            UsageProblem: the target's route is none of this source's.
            MissingExtraError: the libraries are not installed.
        """
        ...

    def converter(self, graph: "SourceGraph") -> Converter:
        """Converts one source.

        Raises:
            MissingExtraError: the libraries are not installed.
        """
        ...

    def in_float(self, target: Any) -> Target:
        """`target` without compression, for what stands behind a model, as the decoding of its head does."""
        ...

    def variants(self, target: Any) -> Sequence[Variant]:
        """What a search may make of a target, whatever it says of quantization."""
        ...

    def postprocess(self, target: Any, path: Path, out: Path, asked: Postprocessing) -> None:
        """Write to `out` an artifact that gives, for the outputs of the one at `path`, what was asked for.

        Detections are boxes (1, M, 4) of corners in pixels of the input, scores (1, M), classes (1, M) and count (1,),
        padded with zeros to the most that there can be; `Suppression` says which.

        Args:
            path: of an artifact of this program's.

        Raises:
            ToolError: what was made does not load.
        """
        ...

    def check_whole(self, path: Path) -> None:
        """Check the structure of a file or package that anyone made.

        Raises:
            Damage: it is cut off, or none of this format.
        """
        ...

    def inspect(self, path: Path) -> Inspection:
        """The facts of a whole file or package.

        Raises:
            UsageProblem: it cannot be read.
            MissingExtraError: reading it needs the export extra.
        """
        ...

    def file_facts(self, path: Path) -> FileFacts:
        """What a whole file or package itself shows, for the gates."""
        ...

    def evaluators(self) -> tuple[str, ...]:
        """What can run artifacts on this machine, first that which every machine has."""
        ...

    def evaluator(self, name: str, path: Path, origin: Origin) -> ArtifactRunner:
        """Runs an artifact that anyone made, by one of `evaluators`.

        Raises:
            UsageProblem: it is damaged, or its inputs, outputs or labels are not the source's.
            ToolError: it does not load.
        """
        ...

    def answered(self, path: Path, origin: Origin) -> Answered | None:
        """For data that a device computes; None where the format's runner on devices takes one example a process.

        Raises:
            ToolError: the file's outputs need more than its own runtime's arithmetic.
        """
        ...

    @property
    def devices(self) -> DeviceSupport:
        """How it is measured on devices."""
        ...

    @property
    def handoff(self) -> HandoffSupport:
        """What apps need beside an artifact."""
        ...

    def host_runner(self) -> DocumentRunner | None:
        """Runs an artifact in a fresh process of this machine, for readings; None where `run` takes none."""
        ...
