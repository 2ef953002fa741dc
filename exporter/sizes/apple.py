"""Sizes of .app folders, .ipa files and .xcarchive folders."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Facet, Measurement
from exporter.sizes.attribution import divide, duplicates, find_models, model_facets, unusable_models
from exporter.sizes.containers import Container, Entry
from exporter.sizes.headers import read_plist, text_size
from exporter.sizes.packaging import (
    Options,
    Subfolder,
    archive_download,
    blocks,
    entry_downloads,
    file_sizes,
    total_size,
)

_ROOTS = {"ipa": re.compile(r"Payload/[^/]+\.app/"), "xcarchive": re.compile(r"Products/Applications/[^/]+\.app/")}
_CLIP = re.compile(r"AppClips/[^/]+\.app/")
_WATCH = re.compile(r"(?:Watch|PlugIns/[^/]+\.appex/Watch)/[^/]+\.app/")
_PACK = re.compile(r"(?:.*/)?[^/]+\.assetpack/")
_METHOD = "LZFSE of every file and the zip records of the package"


def measure_app(container: Container, subject: str, kind: str, options: Options) -> Measurement:
    """An app as it was built, with every device's variants in it.

    Raises:
        UsageProblem: no app in it, or a damaged file.
    """
    root = _root(container, subject, kind)
    app = Subfolder(container, root) if root else container
    packs = _folders(container.entries, _PACK)
    clips = _folders(app.entries, _CLIP)
    apart = tuple(f"{root}{clip}" for clip in clips) + tuple(packs)
    inside = [entry for entry in app.entries if not f"{root}{entry.path}".startswith(apart)]
    downloads = entry_downloads(app, inside, "lzfse", exact=options.exact)
    download = archive_download(downloads, _METHOD, prefix=root or f"Payload/{subject.rpartition('/')[2]}/")
    install = ByteCount.exact(sum(blocks(entry.size) for entry in inside), "4 KiB blocks of the files in this build")
    models = find_models(app, inside)
    info = _info(app)
    parts = divide(inside, models, {path: found.size for path, found in downloads.items()}, lambda e: blocks(e.size))
    facets = [
        *_app_facets(info, total_size(inside), download),
        *_nested(app, clips, "app-clip"),
        *_nested(app, _folders(app.entries, _WATCH), "watch-app"),
        *_nested(container, packs, "on-demand-resource"),
        *_together(container, packs),
        *_executables(app, inside),
        *model_facets(parts),
    ]
    return Measurement(
        subject=subject,
        kind=kind,
        size_bytes=total_size(inside),
        install=install,
        download=download,
        minimum_os=_minimum_os(info),
        facets=tuple(facets),
        parts=parts,
        files=file_sizes(inside, downloads),
        findings=(*duplicates(app, inside, models), *unusable_models(app, inside, models)),
        notes=_notes(clips, packs),
    )


def _root(container: Container, subject: str, kind: str) -> str:
    if kind not in _ROOTS:
        return ""
    found = sorted({match[0] for entry in container.entries if (match := _ROOTS[kind].match(entry.path))})
    if len(found) != 1:
        where = _ROOTS[kind].pattern.replace("[^/]+", "NAME").replace("\\", "")
        raise UsageProblem(
            f"{subject} has {'no app' if not found else f'{len(found)} apps'} at {where}; one is expected."
        )
    return found[0]


def _folders(entries: Iterable[Entry], pattern: re.Pattern[str]) -> list[str]:
    return sorted({match[0] for entry in entries if (match := pattern.match(entry.path))})


def _info(app: Container) -> dict[str, Any]:
    for entry in app.entries:
        if entry.path in ("Info.plist", "Contents/Info.plist"):
            with app.open(entry) as stream:
                return read_plist(stream, entry.path)
    return {}


def _minimum_os(info: dict[str, Any]) -> str | None:
    found = info.get("MinimumOSVersion", info.get("LSMinimumSystemVersion"))
    return found if isinstance(found, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)*", found) else None


def _app_facets(info: dict[str, Any], size: int, download: ByteCount) -> list[Facet]:
    scope = "app-clip" if "NSAppClip" in info else "watch-app" if info.get("DTPlatformName") == "watchos" else "app"
    counted = ByteCount.exact(size, "sum of the files in this build")
    return [
        Facet(scope=scope, counts="uncompressed", size=counted),
        Facet(scope=scope, counts="download", size=download),
    ]


def _nested(container: Container, folders: Iterable[str], scope: str) -> list[Facet]:
    return [
        Facet(
            scope=scope,
            name=PurePosixPath(folder).name,
            counts="uncompressed",
            size=ByteCount.exact(
                total_size(entry for entry in container.entries if entry.path.startswith(folder)), "sum of its files"
            ),
        )
        for folder in folders
    ]


def _together(container: Container, packs: Iterable[str]) -> list[Facet]:
    size = sum(facet.size.value for facet in _nested(container, packs, "on-demand-resource"))
    count = ByteCount.exact(size, "sum of the packs' files")
    return [Facet(scope="on-demand-resources", counts="uncompressed", size=count)] if size else []


def _executables(app: Container, entries: Iterable[Entry]) -> list[Facet]:
    """The sum of ``__TEXT`` over every Mach-O file; programs and frameworks have no suffix, libraries .dylib."""
    total = count = 0
    for entry in entries:
        if PurePosixPath(entry.path).suffix not in ("", ".dylib") or entry.size < 32:
            continue
        with app.open(entry) as stream:
            found = text_size(stream)
        if found is not None:
            total, count = total + found, count + 1
    if not count:
        return []
    method = f"__TEXT segments of {count} Mach-O file(s), each in its largest slice"
    return [Facet(scope="executable", counts="text", size=ByteCount.exact(total, method))]


def _notes(clips: list[str], packs: list[str]) -> tuple[str, ...]:
    notes = ["the build holds the variants of all devices; what one device gets after App Thinning is at most this"]
    if clips:
        notes.append(f"{len(clips)} App Clip(s) are a download of their own and are not in the app's figures")
    if packs:
        notes.append(f"{len(packs)} on-demand resource pack(s) are not in the app's figures")
    return tuple(notes)
