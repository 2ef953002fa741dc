"""What was measured of a file or folder, as frozen data."""

from typing import Literal, NamedTuple

from pydantic import Field

from exporter.data.base import Frozen

Counts = Literal["uncompressed", "install", "download", "text", "file", "alignment"]
Role = Literal["model", "native code", "rest"]


class ByteCount(Frozen):
    """A number of bytes and how sure it is.

    Attributes:
        value: bytes.
        low: least that the true figure can be.
        high: most that the true figure can be; `low` == `high` == `value` when it is exact.
        estimated: whether a model or a codec of another implementation stands between the bytes and the figure.
        method: how it was had, in a few words.
        rounded: whether another tool rounded it, so that two such figures differ less surely than they seem to.
    """

    value: int = Field(ge=0)
    low: int
    high: int
    estimated: bool
    method: str
    rounded: bool = False

    @classmethod
    def exact(cls, value: int, method: str) -> "ByteCount":
        """A figure that was counted."""
        return cls(value=value, low=value, high=value, estimated=False, method=method)

    @classmethod
    def estimate(
        cls, value: int, method: str, *, low: int | None = None, high: int | None = None, rounded: bool = False
    ) -> "ByteCount":
        """A figure that was estimated; without bounds, gates compare the value itself."""
        return cls(
            value=value,
            low=value if low is None else low,
            high=value if high is None else high,
            estimated=True,
            method=method,
            rounded=rounded,
        )

    def plus(self, other: "ByteCount") -> "ByteCount":
        """The sum, as sure as the less sure of the two."""
        methods = {*self.method.split(" + "), *other.method.split(" + ")}
        return ByteCount(
            value=self.value + other.value,
            low=self.low + other.low,
            high=self.high + other.high,
            estimated=self.estimated or other.estimated,
            method=" + ".join(sorted(methods)),
            rounded=self.rounded or other.rounded,
        )


class Facet(Frozen):
    """One figure that a store rule can be about.

    Attributes:
        scope: the part of the app, as in stores.toml.
        name: which one, where there are several: a module, an executable; empty for the whole.
        counts: what the figure counts.
        size: the figure.
        format: format of a model file.
        partial: set when only a part of what the scope means was measured (a model without its app).
    """

    scope: str
    name: str = ""
    counts: Counts
    size: ByteCount
    format: str | None = None
    partial: bool = False


class Part(Frozen):
    """A share of a package that a person wants to see apart.

    Attributes:
        name: path in the package of a model; ``lib/ABI`` of native code; ``rest``.
        role: what it is.
        format: model format, or ABI of native code.
        size_bytes: uncompressed bytes.
        install_bytes: bytes on the device.
        download_bytes: bytes of the download.
        files: how many files it is made of.
    """

    name: str
    role: Role
    format: str = ""
    size_bytes: int
    install_bytes: int
    download_bytes: int
    files: int


class FileSize(NamedTuple):
    """One file of the subject; a tuple, since packages have tens of thousands."""

    path: str
    size_bytes: int
    download_bytes: int | None = None


class Finding(Frozen):
    """Something about the packaging that costs the user bytes or breaks loading.

    Attributes:
        kind: ``duplicate``, ``compressed`` (a model that must be mapped but is deflated), ``empty``, ``damaged``,
            ``extraction`` (a native library that must be mapped but is deflated), or ``extracted`` (native libraries
            that are copied out of their APK although they could be mapped inside it).
        name: path in the package.
        wasted_bytes: what it costs.
        sentence: for a person.
    """

    kind: Literal["duplicate", "compressed", "empty", "damaged", "extraction", "extracted"]
    name: str
    wasted_bytes: int
    sentence: str


class NativeFacts(NamedTuple):
    """What native libraries show: figures for store rules, what is wrong, and what a reader should know."""

    facets: tuple[Facet, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


class Measurement(Frozen):
    """Everything measured of one subject.

    Attributes:
        subject: the path as given, or ``run.json:TARGET``.
        kind: what it is.
        size_bytes: bytes of its files as they are; None for reports of other tools.
        install: bytes on a device; None when unavailable.
        download: bytes on the wire; None when unavailable.
        unavailable: why one of the two is missing.
        facets: figures for store rules.
        parts: the package, divided; in an archive its own records come on top of their sum.
        minimum_os: what the package itself says; None when it does not.
        files: every file.
        findings: what is wrong with the packaging.
        notes: sentences that a reader of the figures should know.
        target: name of the target that it was made for; empty where that is not known.
        limits: budgets of that target, by metric, in bytes.
    """

    subject: str
    kind: str
    size_bytes: int | None
    install: ByteCount | None
    download: ByteCount | None
    unavailable: str = ""
    minimum_os: str | None = None
    facets: tuple[Facet, ...] = ()
    parts: tuple[Part, ...] = ()
    files: tuple[FileSize, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    target: str = ""
    limits: dict[str, int] = Field(default_factory=dict)

    def with_more(self, found: NativeFacts) -> "Measurement":
        """With the facts of native libraries."""
        return self.model_copy(
            update={
                "facets": (*self.facets, *found.facets),
                "findings": (*self.findings, *found.findings),
                "notes": (*self.notes, *found.notes),
            }
        )

    def models(self) -> list[Part]:
        """The models in it."""
        return [part for part in self.parts if part.role == "model"]
