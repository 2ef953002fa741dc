"""Sizes that Apple's and Google's own tools report: the App Thinning Size Report, and `bundletool get-size total`."""

import csv
import io
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import ByteCount, Facet, Measurement, Part
from exporter.sizes.containers import file_state
from exporter.sizes.packaging import Options
from exporter.store.given import given_text

MAX_REPORT_BYTES = 32 << 20
THINNING_HEADING = "App Thinning Size Report"

_UNITS = {"bytes": 0, "B": 0, "KB": 1, "MB": 2, "GB": 3, "TB": 4}
_SIZE = r"(Zero KB|[0-9]+(?:[.,][0-9]+)? (?:bytes|KB|MB|GB|TB))"
_VARIANT = re.compile(r"^Variant: (.+?)\s*$", re.M)
_APP = re.compile(rf"^App size: {_SIZE} compressed, {_SIZE} uncompressed\s*$", re.M)
_RESOURCES = re.compile(rf"^On Demand Resources size: {_SIZE} compressed, {_SIZE} uncompressed\s*$", re.M)
_UNIVERSAL = re.compile(r"^Supported variant descriptors: Universal\s*$", re.M)
_DIMENSIONS = {
    "SDK",
    "ABI",
    "SCREEN_DENSITY",
    "LANGUAGE",
    "TEXTURE_COMPRESSION_FORMAT",
    "DEVICE_GROUP",
    "DEVICE_TIER",
    "COUNTRY_SET",
    "SDK_RUNTIME",
}
_READABLE = re.compile(r"([0-9]+(?:\.([0-9]+))?) (B|KB|MB|GB|TB)")


def read_report(path: Path) -> str:
    """The text of a report.

    Raises:
        UsageProblem: unreadable, too large, or not text.
    """
    if file_state(path)[0] > MAX_REPORT_BYTES:
        raise UsageProblem(f"{path} is larger than any size report; it is not read.")
    return given_text(path, advice="size reports are")


def measure_thinning_report(text: str, subject: str, options: Options) -> Measurement:
    """Every variant of an App Thinning Size Report; the figures of the subject are those of the largest.

    Xcode writes one decimal and does not say whether a megabyte is 10^6 or 2^20 bytes, so each figure has bounds that
    hold either way, and a limit inside the bounds is not judged. The report does not say which variants are App Clips
    or watch apps: with ``--store app-clip`` or ``--store watchos`` all of them are taken as such.

    Raises:
        UsageProblem: no variant in it, or one without its sizes.
    """
    starts = [match.start() for match in _VARIANT.finditer(text)]
    variants = [text[begin:end] for begin, end in pairwise([*starts, len(text)])]
    if not variants:
        raise UsageProblem(f"{subject} has no line 'Variant: NAME.ipa': it is no App Thinning Size Report.")
    facets, parts = [], []
    for block in variants:
        name = _VARIANT.findall(block)[0]
        found = _APP.search(block)
        if found is None:
            raise UsageProblem(
                f"{subject}: variant {name!r} has no line 'App size: ... compressed, ... uncompressed'. "
                "The report is cut off or of an Xcode that writes another form."
            )
        download, size = (_thinned(figure) for figure in found.groups())
        for scope in app_scopes(options):
            facets += [
                Facet(scope=scope, name=name, counts="uncompressed", size=size),
                Facet(scope=scope, name=name, counts="download", size=download),
            ]
        resources = _RESOURCES.search(block)
        if resources and _thinned(resources[2]).value:
            facets.append(
                Facet(scope="on-demand-resource", name=name, counts="uncompressed", size=_thinned(resources[2]))
            )
        parts.append(
            Part(
                name=name,
                role="rest",
                format="universal" if _UNIVERSAL.search(block) else "thinned",
                files=1,
                size_bytes=size.value,
                install_bytes=size.value,
                download_bytes=download.value,
            )
        )
    thinned = {part.name for part in parts if part.format == "thinned"} or {part.name for part in parts}
    judged = [facet for facet in facets if facet.name in thinned]
    return Measurement(
        subject=subject,
        kind="app thinning report",
        size_bytes=None,
        install=_largest(judged, "uncompressed"),
        download=_largest(judged, "download"),
        facets=tuple(judged),
        parts=tuple(parts),
        notes=("Xcode rounds to one decimal; the universal build is shown but not judged",),
    )


def app_scopes(options: Options) -> list[str]:
    """What of the stores' rules a thinned variant is judged as."""
    of_store = {"app-clip": "app-clip", "watchos": "watch-app"}
    return ["app", *(of_store[store] for store in options.stores if store in of_store)]


def _largest(facets: list[Facet], counts: str) -> ByteCount:
    sizes = [facet.size for facet in facets if facet.scope == "app" and facet.counts == counts]
    return max(sizes, key=lambda size: size.value)


def _thinned(text: str) -> ByteCount:
    if text == "Zero KB":
        return ByteCount.estimate(0, "Xcode's thinning report", low=0, high=1023, rounded=True)
    number, unit = text.replace(",", ".").split()
    power = _UNITS[unit]
    half = Decimal(5) / 10 ** (len(number.partition(".")[2]) + 1) if power else Decimal(0)
    value = Decimal(number)
    return ByteCount.estimate(
        int(value * 1000**power),
        "Xcode's thinning report, rounded to one decimal",
        low=int(max(value - half, Decimal(0)) * 1000**power),
        high=int((value + half) * 1024**power),
        rounded=True,
    )


def measure_bundletool_csv(text: str, subject: str) -> Measurement:
    """`bundletool get-size total`: the largest download of any device of any row; it knows no installed size.

    Raises:
        UsageProblem: not such a file.
    """
    rows = _csv_rows(text, subject)
    header = rows[0][1] if rows else []
    if header[-2:] != ["MIN", "MAX"] or not set(header[:-2]) <= _DIMENSIONS or len(rows) < 2:
        raise UsageProblem(
            f"{subject} is not the output of `bundletool get-size total`: its first line must end in "
            "MIN,MAX and further lines must follow."
        )
    facets, parts = [], []
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise UsageProblem(f"{subject}, line {number}: {len(row)} fields under {len(header)} headings.")
        largest = _bundled(row[-1], f"{subject}, line {number}")
        if _bundled(row[-2], f"{subject}, line {number}").low > largest.high:
            raise UsageProblem(f"{subject}, line {number}: MIN is more than MAX.")
        name = ", ".join(f"{key} {value}" for key, value in zip(header[:-2], row[:-2], strict=True))
        facets.append(Facet(scope="install-time", name=name, counts="download", size=largest))
        parts.append(
            Part(
                name=name or "every device",
                role="rest",
                format="device",
                files=1,
                size_bytes=largest.value,
                install_bytes=0,
                download_bytes=largest.value,
            )
        )
    return Measurement(
        subject=subject,
        kind="bundletool get-size",
        size_bytes=None,
        install=None,
        download=max((facet.size for facet in facets), key=lambda size: (size.high, size.value)),
        unavailable="bundletool get-size knows downloads, not installed sizes",
        facets=tuple(facets),
        parts=tuple(parts),
    )


def _csv_rows(text: str, subject: str) -> list[tuple[int, list[str]]]:
    """Rows with the numbers of their last lines; blank lines are passed over, and blanks around a field are not of it.

    Raises:
        UsageProblem: not CSV.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff").replace("\0", ""), newline=""))
    try:
        rows = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    except csv.Error as error:
        raise UsageProblem(f"{subject}, line {reader.line_num}: not CSV: {error}.") from error
    return [(number, row) for number, row in rows if any(row)]


def _bundled(text: str, where: str) -> ByteCount:
    """A figure in bytes, or with ``--human-readable-sizes`` (decimal units) rounded to the digits that it shows."""
    if re.fullmatch(r"[0-9]{1,18}", text):
        return ByteCount.exact(int(text), "bundletool get-size")
    match = _READABLE.fullmatch(text)
    if match is None:
        raise UsageProblem(f"{where}: {text!r} is not a size.")
    scale = 1000 ** _UNITS[match[3]]
    half = Decimal(5) / 10 ** (len(match[2] or "") + 1) if scale > 1 else Decimal(0)
    value = Decimal(match[1])
    return ByteCount.estimate(
        int(value * scale),
        "bundletool get-size --human-readable-sizes, rounded",
        low=int((value - half) * scale),
        high=int((value + half) * scale),
        rounded=True,
    )
