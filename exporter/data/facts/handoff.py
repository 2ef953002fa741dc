"""What an app team gets beside an artifact, as data: `handoff.json` is its JSON form."""

from typing import Literal

from exporter.data.base import Frozen
from exporter.data.facts.pictures import Picture

SCHEMA_VERSION = 1
Language = Literal["kotlin", "swift"]
Reads = Literal["classification", "outputs"]
"""What the generated code makes of outputs: classes with names, or the numbers as they are."""


class HandoffTensor(Frozen):
    """An input or output as an app gives or gets it.

    Attributes:
        dtype: of its elements; ``uint8`` of a picture that the system hands over.
        shape: batch first.
        layout: of a picture; empty for what is none.
        picture: how a picture becomes it; None for what is none.
        scale: of integers that stand for real numbers, ``(integer - zero_point) * scale``; 0 for all others.
        tolerance: of an output, how far any real number may be from the golden one on a phone.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    layout: Literal["", "NCHW", "NHWC"] = ""
    picture: Picture | None = None
    scale: float = 0.0
    zero_point: int = 0
    tolerance: float = 0.0


class GoldenCase(Frozen):
    """One example with what the artifact made of it, in files relative to the folder.

    Attributes:
        about: where the example is from.
        picture: a PNG of RGB, of any size; empty where the input is none.
        pixels: the same, uint8 (height, width, 3); empty likewise.
        inputs: the tensors that the artifact was given, in the order of its inputs (NumPy's .npy).
        outputs: the tensors that it gave.
        best: index of the likeliest class; None where outputs are no classes.
        answer: its name.
        confidence: its probability.
    """

    name: str
    about: str
    picture: str = ""
    pixels: str = ""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    best: int | None = None
    answer: str = ""
    confidence: float | None = None


class Dependency(Frozen):
    """What the app has to link.

    Attributes:
        place: Gradle coordinates, or the address of a Swift package; empty for a part of the system.
        bytes_by_abi: what it adds to an app; empty where that is not known here.
    """

    language: Language
    title: str
    place: str
    version: str
    license: str
    bytes_by_abi: dict[str, int] = {}


class Handoff(Frozen):
    """The whole of a folder.

    Attributes:
        target: that the artifact was made for; empty where no run is known.
        artifact: relative to the folder.
        sha256: of the artifact, as `run.json` has it.
        labels: relative to the folder; empty where outputs have no classes.
        scores: what the class scores are; empty likewise.
        runtime: what made the golden outputs, with its version.
        data: what the golden examples are, in a sentence.
        drawn: whether all of them are made up.
        files: code, relative to the folder.
        not_generated: what is left for the app team, in sentences.
        signed: whether the provenance has a signature.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    target: str
    format: str
    minimum_os: str
    artifact: str
    sha256: str
    size_bytes: int
    license: str
    inputs: tuple[HandoffTensor, ...]
    outputs: tuple[HandoffTensor, ...]
    reads: Reads
    scores: Literal["", "logits", "probabilities"] = ""
    scored: int = 0
    labels: str = ""
    runtime: str
    data: str
    drawn: bool
    cases: tuple[GoldenCase, ...]
    dependencies: tuple[Dependency, ...] = ()
    files: tuple[str, ...] = ()
    not_generated: tuple[str, ...] = ()
    signed: bool = False
