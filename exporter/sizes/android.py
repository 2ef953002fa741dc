"""Sizes of .apk and .aab files, by the rules of bundletool."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Facet, Finding, Measurement
from exporter.sizes.attribution import (
    deflated_models,
    divide,
    duplicates,
    find_models,
    mapped_formats,
    model_facets,
    model_of,
    native_abi,
    unusable_models,
)
from exporter.sizes.codecs import EXACT_BYTES, GZIP_FRAME_BYTES, Compressed, gzip_size
from exporter.sizes.containers import Entry, ZipContainer
from exporter.sizes.headers import MAX_HEADER_BYTES, ModuleManifest, read_module_manifest, uncompressed_globs
from exporter.sizes.manifests import ApkManifest, read_apk_manifest
from exporter.sizes.native import installed_facts, native_facts, packed_facets, unpacked_bytes
from exporter.sizes.packaging import Options, archive_download, blocks, entry_downloads, file_sizes, total_size

# bundletool's rule streams the whole APK through one encoder; beyond this size that takes seconds.
WHOLE_APK_BYTES = 2 * EXACT_BYTES

_MODULE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)/manifest/AndroidManifest\.xml")
_ANDROID_5_SDK = 21
_MANIFEST = "AndroidManifest.xml"


def measure_apk(archive: ZipContainer, path: Path, subject: str, options: Options) -> Measurement:
    """One APK: its download is bundletool's rule, the smaller of the file and its gzip."""
    entries = archive.entries
    if not any(entry.path == _MANIFEST for entry in entries):
        raise UsageProblem(f"{subject} has no AndroidManifest.xml: it is no APK.")
    downloads = entry_downloads(archive, entries, "gzip", exact=options.exact)
    download = _apk_download(archive, path, downloads, exact=options.exact)
    models = find_models(archive, entries)
    parts = divide(entries, models, _sizes(downloads), _installed)
    manifest, unread = _manifest(archive)
    native = native_facts(archive, entries)
    install = ByteCount.estimate(
        blocks(archive.packed_size) + unpacked_bytes(entries, manifest),
        "the APK in 4 KiB blocks and the native libraries that are unpacked; code compiled on the device comes on top",
    )
    return Measurement(
        subject=subject,
        kind="apk",
        size_bytes=archive.packed_size,
        install=install,
        download=download,
        minimum_os=None if manifest is None else _minimum_os(manifest.minimum_sdk),
        facets=(
            Facet(scope="apk", counts="download", size=download),
            Facet(scope="install-time", counts="download", size=download),
            *model_facets(parts),
            *native.facets,
            *packed_facets(archive, entries),
        ),
        parts=parts,
        files=file_sizes(entries, downloads),
        findings=(
            *duplicates(archive, entries, models),
            *deflated_models(entries, models),
            *unusable_models(archive, entries, models),
            *native.findings,
            *installed_facts(entries, manifest),
        ),
        notes=(*unread, *native.notes),
    )


def _manifest(archive: ZipContainer) -> tuple[ApkManifest | None, tuple[str, ...]]:
    """The APK's own, or a note that it cannot be read."""
    entry = next(entry for entry in archive.entries if entry.path == _MANIFEST)
    with archive.open(entry) as stream:
        data = stream.read(MAX_HEADER_BYTES)
    try:
        return read_apk_manifest(data), ()
    except UsageProblem as error:
        return None, (f"{str(error).rstrip('.')}; minSdkVersion and extractNativeLibs are not known",)


def _minimum_os(sdk: int | None) -> str | None:
    """Before or after Android 5, which is all that rules ask."""
    return None if sdk is None else "5" if sdk >= _ANDROID_5_SDK else "4"


def _apk_download(archive: ZipContainer, path: Path, downloads: dict[str, Compressed], *, exact: bool) -> ByteCount:
    if exact or archive.packed_size <= WHOLE_APK_BYTES:
        with path.open("rb") as stream:
            size = min(archive.packed_size, gzip_size(stream))
        return ByteCount.exact(size, "bundletool's rule: the smaller of the APK and its gzip")
    whole = archive_download(downloads, "gzip of every stored entry, the deflated ones as they are, and zip records")
    return ByteCount.estimate(min(whole.value + GZIP_FRAME_BYTES, archive.packed_size), whole.method)


@dataclass(frozen=True)
class _Module:
    name: str
    manifest: ModuleManifest
    entries: tuple[Entry, ...]

    def for_largest_abi(self, sizes: dict[str, int]) -> list[Entry]:
        """Entries that a device gets: everything but native code, and the native code of the ABI with most bytes."""
        abis: dict[str, int] = defaultdict(int)
        for entry in self.entries:
            abi = native_abi(entry.path)
            if abi:
                abis[abi] += sizes[entry.path]
        kept = max(abis, key=lambda abi: (abis[abi], abi), default=None)
        return [entry for entry in self.entries if native_abi(entry.path) in (None, kept)]


def measure_aab(archive: ZipContainer, subject: str, options: Options) -> Measurement:
    """An app bundle: what a device with the largest ABI gets of each module, all languages and densities included."""
    modules = _modules(archive, subject)
    shipped = [entry for module in modules for entry in module.entries]
    downloads = entry_downloads(archive, shipped, "gzip", exact=options.exact)
    sizes = _sizes(downloads)
    wire = {}
    for module in modules:
        kept = {entry.path: downloads[entry.path] for entry in module.for_largest_abi(sizes)}
        wire[module.name] = archive_download(kept, "compressed entries of the largest ABI's split APKs and zip records")
    models = find_models(archive, shipped)
    parts = divide(shipped, models, sizes, _installed)
    first = [module for module in modules if module.manifest.install_time]
    install = sum(blocks(sum(_installed(entry) for entry in m.for_largest_abi(sizes))) for m in first)
    native = native_facts(archive, shipped)
    sdk = next((module.manifest.minimum_sdk for module in modules if module.name == "base"), None)
    return Measurement(
        subject=subject,
        kind="aab",
        size_bytes=total_size(shipped),
        install=ByteCount.estimate(
            install,
            "split APKs of the largest ABI, native code and models stored; code compiled on the device comes on top",
        ),
        download=_sum([wire[module.name] for module in first]),
        minimum_os=_minimum_os(sdk),
        facets=(*_facets(modules, wire), *model_facets(parts), *native.facets),
        parts=parts,
        files=file_sizes(shipped, downloads),
        findings=(
            *duplicates(archive, shipped, models),
            *_deflated(archive, modules, models),
            *unusable_models(archive, shipped, models),
            *native.findings,
        ),
        notes=(
            "the figures are those of a device with the largest ABI, all languages and all screen densities",
            *native.notes,
        ),
    )


def _modules(archive: ZipContainer, subject: str) -> list[_Module]:
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for entry in archive.entries:
        by_name[entry.path.partition("/")[0]].append(entry)
    modules = []
    for entry in archive.entries:
        match = _MODULE.fullmatch(entry.path)
        if match:
            with archive.open(entry) as stream:
                manifest = read_module_manifest(stream.read(MAX_HEADER_BYTES), match[1])
            modules.append(_Module(match[1], manifest, tuple(by_name[match[1]])))
    if not any(module.name == "base" for module in modules):
        raise UsageProblem(f"{subject} has no base/manifest/AndroidManifest.xml: it is no app bundle.")
    return sorted(modules, key=lambda module: (module.name != "base", module.name))


def _facets(modules: list[_Module], wire: dict[str, ByteCount]) -> list[Facet]:
    facets = [
        Facet(scope=module.manifest.kind, name=module.name, counts="download", size=wire[module.name])
        for module in modules
    ]
    together = {
        "install-time": [module for module in modules if module.manifest.install_time],
        "on-demand": [m for m in modules if not m.manifest.install_time and m.manifest.kind == "asset-pack"],
        "ai-packs": [module for module in modules if module.manifest.kind == "ai-pack"],
    }
    return facets + [
        Facet(scope=scope, counts="download", size=_sum([wire[module.name] for module in found]))
        for scope, found in together.items()
        if found
    ]


def _deflated(archive: ZipContainer, modules: list[_Module], models: dict[str, tuple[str, str]]) -> list[Finding]:
    """Only modules: the contents of asset packs stay uncompressed by default (bundletool, ``config.proto``)."""
    globs: list[str] = []
    for entry in archive.entries:
        if entry.path == "BundleConfig.pb":
            with archive.open(entry) as stream:
                globs = uncompressed_globs(stream.read(MAX_HEADER_BYTES))
    findings = []
    for module in modules:
        if module.manifest.kind in ("base-module", "feature-module"):
            local = {entry.path.partition("/")[2]: entry for entry in module.entries}
            inside = [replace(entry, path=path) for path, entry in local.items()]
            known = {path: models[entry.path] for path, entry in local.items() if entry.path in models}
            findings += deflated_models(inside, known, globs=globs)
    return findings


def _installed(entry: Entry) -> int:
    """Bytes of an entry in an installed APK: native code and mappable models lie there as they are."""
    model = model_of(entry.path)
    stored = native_abi(entry.path) is not None or (model is not None and model[1] in mapped_formats())
    return entry.size if stored else min(entry.packed, entry.size)


def _sizes(downloads: dict[str, Compressed]) -> dict[str, int]:
    return {path: found.size for path, found in downloads.items()}


def _sum(sizes: list[ByteCount]) -> ByteCount:
    total = sizes[0]
    for size in sizes[1:]:
        total = total.plus(size)
    return total
