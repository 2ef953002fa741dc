"""A converted model on disk, and what its file itself shows, as data."""

from exporter.data.base import Frozen
from exporter.data.facts.compression import LeftAlone


class Artifact(Frozen):
    """A converted model on disk.

    Attributes:
        path: file or folder, relative to the run's output folder.
        format: its format's name.
        target: name of the target that it was made for.
        sha256: digest of its content (of a folder: of its files' names and contents).
        size_bytes: sum of the bytes of its files.
        source_digest: digest of the model that it came from.
        settings_digest: digest of the target's conversion settings, the recipe and the calibration data.
        tools: versions of the libraries that made it.
        left_alone: weights or layers that the conversion library skipped.
        twin_size_bytes: bytes of the same model without compression, in the same format; None when not made.
        route: the way from the source that the conversion took; empty in older records.
        conversion_s: seconds that the conversion took when it ran.
    """

    path: str
    format: str
    target: str
    sha256: str
    size_bytes: int
    source_digest: str
    settings_digest: str
    tools: dict[str, str]
    left_alone: tuple[LeftAlone, ...] = ()
    twin_size_bytes: int | None = None
    route: str = ""
    conversion_s: float


class FileFacts(Frozen):
    """What gates want to know of a file apart from what it computes.

    Attributes:
        labels: class names inside the file that no comparison of outputs covers; empty where it has none.
        nan_constants: names of its weights and scales that hold NaN.
    """

    labels: tuple[str, ...] = ()
    nan_constants: tuple[str, ...] = ()
