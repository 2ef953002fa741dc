"""Sizes that Apple's tools give in bytes: Xcode's app-thinning.plist, and App Store Connect's file sizes of a build."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Facet, Measurement, Part
from exporter.sizes.headers import read_plist
from exporter.sizes.packaging import Options
from exporter.sizes.tool_reports import app_scopes, read_report

_RESOURCE = "buildBundleFileSizes"
_BEGINNING = 4096


class _Variant(NamedTuple):
    """What one kind of device gets, in bytes."""

    name: str
    download: int
    install: int
    resources: int = 0
    universal: bool = False


def is_file_sizes(path: Path) -> bool:
    """Whether a JSON file begins as what App Store Connect answers when it is asked for the sizes of a build bundle."""
    try:
        with path.open("rb") as stream:
            return f'"{_RESOURCE}"'.encode() in stream.read(_BEGINNING)
    except OSError:
        return False  # whoever reads it as a record says what is wrong


def measure_file_sizes(path: Path, subject: str, options: Options) -> Measurement:
    """App Store Connect's ``GET /v1/buildBundles/{id}/buildBundleFileSizes``: download and install of every device.

    Raises:
        UsageProblem: not such an answer, or a page of several.
    """
    try:
        document = json.loads(read_report(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageProblem(f"{subject} is not JSON: {error}.") from error
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UsageProblem(f"{subject} has no list of {_RESOURCE} under 'data'.")
    links = document.get("links")
    if isinstance(links, dict) and links.get("next"):
        raise UsageProblem(f"{subject} is one page of several: ask with limit=200, so that all devices are in one.")
    variants = [_file_size(row, f"{subject}, data[{number}]") for number, row in enumerate(rows)]
    return _measurement(variants, subject, "App Store Connect file sizes", options)


def _file_size(row: Any, where: str) -> _Variant:
    found = row.get("attributes") if isinstance(row, dict) and row.get("type") == _RESOURCE else None
    if not isinstance(found, dict):
        raise UsageProblem(f"{where} is none of {_RESOURCE}.")
    name = " ".join(str(found[key]) for key in ("deviceModel", "osVersion") if found.get(key))
    return _Variant(name, _bytes(found, "downloadBytes", where), _bytes(found, "installBytes", where))


def measure_thinning_plist(path: Path, subject: str, options: Options) -> Measurement:
    """Xcode's ``app-thinning.plist``, which it writes beside the App Thinning Size Report, in bytes.

    Raises:
        UsageProblem: another property list.
    """
    with path.open("rb") as stream:
        found = read_plist(stream, subject).get("variants")
    if not isinstance(found, dict) or not found:
        raise UsageProblem(f"{subject} has no 'variants': it is no app-thinning.plist of `xcodebuild -exportArchive`.")
    variants = [_thinned(name, facts, f"{subject}: variant {name!r}") for name, facts in found.items()]
    return _measurement(variants, subject, "app-thinning.plist", options)


def _thinned(name: str, facts: Any, where: str) -> _Variant:
    if not isinstance(facts, dict):
        raise UsageProblem(f"{where} has no sizes.")
    return _Variant(
        name,
        _bytes(facts, "sizeCompressedApp", where),
        _bytes(facts, "sizeUncompressedApp", where),
        _bytes(facts, "sizeUncompressedODR", where) if "sizeUncompressedODR" in facts else 0,
        universal="variantDescriptors" not in facts and "variantIds" not in facts,
    )


def _bytes(facts: Mapping[str, Any], key: str, where: str) -> int:
    found = facts.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise UsageProblem(f"{where} has no {key} in bytes.")
    return found


def _measurement(variants: list[_Variant], subject: str, kind: str, options: Options) -> Measurement:
    """The largest device's figures; a universal build is judged only where there is no other."""
    thinned = [one for one in variants if not one.universal] or variants
    method = f"as {kind} has it"
    facets = []
    for one in thinned:
        figures = {"uncompressed": one.install, "download": one.download}
        for scope in app_scopes(options):
            facets += [_facet(scope, one.name, counts, size, method) for counts, size in figures.items()]
        if one.resources:
            facets.append(_facet("on-demand-resource", one.name, "uncompressed", one.resources, method))
    return Measurement(
        subject=subject,
        kind=kind,
        size_bytes=None,
        install=ByteCount.exact(max(one.install for one in thinned), method),
        download=ByteCount.exact(max(one.download for one in thinned), method),
        facets=tuple(facets),
        parts=tuple(map(_part, variants)),
    )


def _facet(scope: str, name: str, counts: Any, size: int, method: str) -> Facet:
    return Facet(scope=scope, name=name, counts=counts, size=ByteCount.exact(size, method))


def _part(one: _Variant) -> Part:
    return Part(
        name=one.name,
        role="rest",
        format="universal" if one.universal else "thinned",
        files=1,
        size_bytes=one.install,
        install_bytes=one.install,
        download_bytes=one.download,
    )
