"""Native libraries in packages: the pages that they can be mapped on, their ABIs, how Android installs them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from exporter.data.facts.sizes import ByteCount, Facet, Finding, NativeFacts
from exporter.data.units import format_size
from exporter.sizes.attribution import native_abi
from exporter.sizes.containers import Container, Entry, ZipContainer
from exporter.sizes.elf import DamagedElfError, ElfFacts, read_elf
from exporter.sizes.manifests import ApkManifest
from exporter.sizes.packaging import blocks

PAGE = 16 << 10
"""Bytes of the pages that Google Play asks for."""

_LIBRARY = re.compile(r".+\.so(\.[0-9]+)*")
_COUNTERPARTS = {"armeabi": "arm64-v8a", "armeabi-v7a": "arm64-v8a", "x86": "x86_64", "mips": "mips64"}
# Of Android 6; before it native libraries cannot be mapped inside an APK.
_MAPS_INSIDE_SDK = 23


def is_library(path: str) -> bool:
    """Whether a file is named like an ELF library: ``libx.so``, ``libx.so.1.2``."""
    return _LIBRARY.fullmatch(PurePosixPath(path).name) is not None


def native_facts(container: Container, entries: Iterable[Entry]) -> NativeFacts:
    """The libraries among `entries`, wherever they lie."""
    libraries = [entry for entry in entries if is_library(entry.path)]
    read, findings, unread = {}, [], []
    for entry in libraries:
        try:
            with container.open(entry) as stream:
                found = read_elf(stream)
        except DamagedElfError as error:
            findings.append(_damaged(entry, error))
            continue
        if found is None:
            unread.append(entry.path)
        else:
            read[entry] = found
    facets = [*_page_facets(read), *_abi_facets(libraries)]
    return NativeFacts(tuple(facets), tuple(findings), (*_page_notes(facets), *_unread_notes(unread)))


def packed_facets(archive: ZipContainer, entries: Iterable[Entry]) -> list[Facet]:
    """Where libraries begin that lie uncompressed in an APK: the largest power of two that divides the offset.

    Source: AOSP, ``tools/zipalign/ZipAlign.cpp``: what is compressed is not looked at.
    """
    stored = [entry for entry in entries if is_library(entry.path) and entry.method == "stored"]
    offsets = ((entry, archive.data_offset(entry)) for entry in stored)
    method = "the largest power of two that divides its offset in the APK"
    return [_alignment("library-in-apk", entry, offset & -offset, method) for entry, offset in offsets]


def installed_facts(entries: Iterable[Entry], manifest: ApkManifest | None) -> list[Finding]:
    """What ``extractNativeLibs`` makes of an APK's libraries; nothing where the manifest could not be read."""
    libraries = [entry for entry in entries if native_abi(entry.path)]
    if manifest is None or not libraries:
        return []
    if not manifest.extracts:
        return [_cannot_be_mapped(entry) for entry in libraries if entry.method != "stored"]
    if manifest.minimum_sdk is None or manifest.minimum_sdk < _MAPS_INSIDE_SDK:
        return []
    return [_copied(libraries)]


def unpacked_bytes(entries: Iterable[Entry], manifest: ApkManifest | None) -> int:
    """Bytes that libraries take beside their APK; without a manifest those of deflated ones alone."""
    libraries = [entry for entry in entries if native_abi(entry.path)]
    copied = [one for one in libraries if (one.method == "deflated" if manifest is None else manifest.extracts)]
    return sum(blocks(entry.size) for entry in copied)


def _page_facets(read: dict[Entry, ElfFacts]) -> list[Facet]:
    method = "the least alignment of its LOAD segments"
    return [
        _alignment("library-64", entry, found.alignment, method)
        for entry, found in read.items()
        if found.bits == 64 and found.alignment is not None
    ]


def _alignment(scope: str, entry: Entry, alignment: int, method: str) -> Facet:
    return Facet(scope=scope, name=entry.path, counts="alignment", size=ByteCount.exact(alignment, method))


def _abi_facets(libraries: Sequence[Entry]) -> list[Facet]:
    """The bytes of 32-bit code that no 64-bit code stands beside; nothing where no library lies under an ABI's name."""
    folders = {str(PurePosixPath(entry.path).parent) for entry in libraries if _abi(entry.path)}
    if not folders:
        return []
    lonely = sorted(folder for folder in folders if _counterpart(folder) and _counterpart(folder) not in folders)
    size = sum(entry.size for entry in libraries if str(PurePosixPath(entry.path).parent) in lonely)
    count = ByteCount.exact(size, "sum of its libraries")
    return [Facet(scope="only-32-bit", name=", ".join(lonely), counts="uncompressed", size=count)]


def _abi(path: str) -> str | None:
    """The ABI of a library of an APK or app bundle (``lib/ABI``) or an AAR (``jni/ABI``)."""
    parts = PurePosixPath(path).parts
    return parts[-2] if len(parts) >= 3 and parts[-3] in ("lib", "jni") else None


def _counterpart(folder: str) -> str | None:
    above, abi = PurePosixPath(folder).parent, PurePosixPath(folder).name
    return str(above / _COUNTERPARTS[abi]) if abi in _COUNTERPARTS else None


def _page_notes(facets: Sequence[Facet]) -> list[str]:
    found = [facet for facet in facets if facet.scope == "library-64"]
    small = [facet.name for facet in found if facet.size.value < PAGE]
    if not small:
        return []
    return [
        f"{len(small)} of {len(found)} 64-bit libraries cannot be mapped on pages of 16 KiB, which newer phones have "
        f"and --store google-play judges: {_some(small)}"
    ]


def _unread_notes(paths: Sequence[str]) -> list[str]:
    return [f"named like libraries, but no ELF files, and not looked into: {_some(paths)}"] if paths else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _damaged(entry: Entry, error: DamagedElfError) -> Finding:
    sentence = f"the native library is damaged: {error}"
    return Finding(kind="damaged", name=entry.path, wasted_bytes=entry.size, sentence=sentence)


def _cannot_be_mapped(entry: Entry) -> Finding:
    return Finding(
        kind="extraction",
        name=entry.path,
        wasted_bytes=entry.size,
        sentence='the manifest says extractNativeLibs="false", but the library is compressed, and Android refuses to '
        "install the APK: set packaging { jniLibs { useLegacyPackaging = false } } and build it again",
    )


def _copied(libraries: Sequence[Entry]) -> Finding:
    size = sum(blocks(entry.size) for entry in libraries)
    return Finding(
        kind="extracted",
        name="lib",
        wasted_bytes=size,
        sentence=f"extractNativeLibs is not false, so that Android copies {format_size(size)} of native code out of "
        "the APK when it installs it: set packaging { jniLibs { useLegacyPackaging = false } }",
    )
