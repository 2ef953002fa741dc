"""Sizes of a model alone: what it adds to an app's download and to its installed size."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Counts, Facet, Measurement, Part
from exporter.formats.packing import Compilation
from exporter.formats.registry import all_formats
from exporter.sizes.attribution import model_of
from exporter.sizes.codecs import Codec
from exporter.sizes.containers import Container, Entry
from exporter.sizes.packaging import Options, blocks, entry_downloads, file_sizes, total_size

APPLE_STORES = {"app-store", "app-clip", "watchos", "mac-app-store"}
_APP_SCOPES = ("app", "app-clip", "base-module", "install-time", "apk")
DELIVERED = {
    "feature-module": ("feature-module", "install-time"),
    "asset-pack": ("asset-pack", "on-demand"),
    "ai-pack": ("ai-pack", "ai-packs"),
    "on-demand-resource": ("on-demand-resource", "on-demand-resources"),
    "background-asset": ("background-assets",),
}


def measure_model(container: Container, subject: str, kind: str, options: Options) -> Measurement:
    """A model, or any other file or folder, that an app is to carry.

    Raises:
        UsageProblem: it is empty.
    """
    size = total_size(container.entries)
    if size == 0:
        raise UsageProblem(f"{subject} is empty: 0 bytes. The step that should have written it failed.")
    name = _format(subject, kind)
    codec = _codec(name, options)
    compilation = _compilation(kind)
    shipped = container.entries if compilation is None else _shipped(container.entries, compilation)
    downloads = entry_downloads(container, shipped, codec, exact=options.exact)
    wire = sum(found.size for found in downloads.values())
    rough = any(found.estimated for found in downloads.values())
    method = f"the smaller of each file and its {'LZFSE' if codec == 'lzfse' else 'gzip'}"
    if compilation is not None:
        wired = {path: found.size for path, found in downloads.items()}
        installed, uncompressed, download = _as_compiled(shipped, wired, compilation)
    else:
        installed = ByteCount.exact(sum(blocks(entry.size) for entry in shipped), "4 KiB blocks")
        uncompressed = ByteCount.exact(size, "sum of its files")
        download = ByteCount.estimate(wire, method + ", in blocks") if rough else ByteCount.exact(wire, method)
    part = Part(
        name=PurePosixPath(subject).name,
        role="model",
        format=name,
        size_bytes=size,
        install_bytes=installed.value,
        download_bytes=download.value,
        files=len(container.entries),
    )
    return Measurement(
        subject=subject,
        kind=kind,
        size_bytes=size,
        install=installed,
        download=download,
        facets=tuple(_facets(uncompressed, download, size, name, options)),
        parts=(part,),
        files=file_sizes(container.entries, downloads),
    )


def _format(subject: str, kind: str) -> str:
    """The format's name, or the kind where it is no model's."""
    known = model_of(PurePosixPath(subject).name) or model_of(f"model.{kind}/file")
    return known[1] if known else kind


def _codec(name: str, options: Options) -> Codec:
    apple_only = bool(options.stores) and set(options.stores) <= APPLE_STORES
    codec: Codec = next((form.packing.codec for form in all_formats() if form.name == name), "gzip")
    return "lzfse" if apple_only else codec


def _compilation(kind: str) -> Compilation | None:
    """What becomes of a folder of this kind before it is shipped; None where it is shipped as it is."""
    packings = (form.packing for form in all_formats())
    return next((packing.compilation for packing in packings if f".{kind}" in packing.folders), None)


def _shipped(entries: Iterable[Entry], compilation: Compilation) -> list[Entry]:
    """Entries of a model package that are compiled into the app; its manifest is not."""
    return [entry for entry in entries if entry.path not in compilation.unshipped]


def _as_compiled(
    entries: Iterable[Entry], downloads: dict[str, int], made: Compilation
) -> tuple[ByteCount, ByteCount, ByteCount]:
    """Install, uncompressed and download bytes of the compiled form of a model package's entries.

    The bounds hold the program's text between half and twice the length of the specification that it is made from.
    """
    program = [entry for entry in entries if entry.path.endswith(made.program)]
    weights = [entry for entry in entries if not entry.path.endswith(made.program)]
    text, kept = total_size(program), total_size(weights)
    records = made.records * made.record_bytes
    record_blocks = made.records * blocks(made.record_bytes)
    kept_blocks = sum(blocks(entry.size) for entry in weights)
    wire_text = sum(downloads[entry.path] for entry in program)
    wire = sum(downloads[entry.path] for entry in weights)
    install = ByteCount.estimate(
        kept_blocks + blocks(text) + record_blocks,
        made.words,
        low=kept_blocks + blocks(text // 2),
        high=kept_blocks + blocks(2 * text) + 2 * record_blocks,
    )
    uncompressed = ByteCount.estimate(
        kept + text + records, made.words, low=kept + text // 2, high=kept + 2 * text + 2 * records
    )
    download = ByteCount.estimate(
        wire + wire_text + records,
        f"LZFSE {made.words}",
        low=wire + wire_text // 2,
        high=wire + 2 * wire_text + 2 * records,
    )
    return install, uncompressed, download


def _facets(uncompressed: ByteCount, download: ByteCount, size: int, form: str, options: Options) -> Iterable[Facet]:
    yield Facet(scope="model-file", counts="file", size=ByteCount.exact(size, "bytes of the file"), format=form)
    in_app = options.delivery == "app"
    # The App Store limits watch apps inside iOS apps too: only --store watchos says that this model is for one.
    in_watch = ("watch-app",) if "watchos" in options.stores else ()
    for scope in (*_APP_SCOPES, *in_watch) if in_app else DELIVERED[options.delivery]:
        yield Facet(scope=scope, counts="uncompressed", size=uncompressed, partial=in_app)
        yield Facet(scope=scope, counts="download", size=download, partial=in_app)


def in_one_app(measurements: Sequence[Measurement], options: Options) -> list[Facet]:
    """What models that were measured alone, and the rest of the app where its size was given, come to together."""
    sums: dict[tuple[str, Counts], ByteCount] = {}
    for found in measurements:
        for facet in found.facets:
            if facet.partial:
                key = facet.scope, facet.counts
                sums[key] = sums[key].plus(facet.size) if key in sums else facet.size
    rest = _rest(options)
    return [
        Facet(
            scope=scope,
            counts=counts,
            size=size if rest is None else size.plus(rest[counts == "download"]),
            partial=rest is None,
        )
        for (scope, counts), size in sums.items()
    ]


def _rest(options: Options) -> tuple[ByteCount, ByteCount] | None:
    """Uncompressed and download bytes of the rest of the app; a download not given is between nothing and its size."""
    if options.rest_size is None:
        return None
    size = ByteCount.exact(options.rest_size, "the rest of the app as given")
    if options.rest_download is not None:
        return size, ByteCount.exact(options.rest_download, "the rest of the app as given")
    method = "the rest of the app, whose download is at most its size"
    return size, ByteCount.estimate(options.rest_size, method, low=0, high=options.rest_size)
