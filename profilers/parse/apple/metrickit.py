"""MetricKit payloads: read as far as their unit strings are unambiguous.

A payload sums a day over every use of an app, its numbers are formatted for the device's locale, and it has no energy:
it is no source of readings for a single model, only a look at what users' devices report.
"""

import re
from dataclasses import dataclass

from device_harness.apple.documents import Document, read_document, section, text
from device_harness.errors import UnreadableOutputError

_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) (sec|ms|s|kB|MB|bytes|kiloinstructions)")
_UNITS = {
    "sec": ("s", 1.0), "s": ("s", 1.0), "ms": ("s", 1e-3), "kB": ("B", 1e3), "MB": ("B", 1e6), "bytes": ("B", 1.0),
    "kiloinstructions": ("1", 1e3),
}  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """A number in an SI unit."""

    value: float
    unit: str


@dataclass(frozen=True)
class Payload:
    """What a payload tells of a process.

    Attributes:
        app_version: of the app.
        begin: first moment covered, as written (local time without zone).
        end: last moment covered.
        cpu_time: processor time summed over the period.
        signposts: processor time and mean memory of each signposted interval, by ``category/name``.
    """

    app_version: str | None
    begin: str | None
    end: str | None
    cpu_time: Quantity | None
    signposts: dict[str, dict[str, Quantity]]


def parse_quantity(written: str) -> Quantity:
    """A number with its unit, such as ``60000 kB``.

    Raises:
        UnreadableOutputError: grouped digits, another decimal sign or unit: what is meant depends on the locale.
    """
    match = _QUANTITY.fullmatch(written)
    if match is None:
        raise UnreadableOutputError(
            f"MetricKit wrote {written[:60]!r}: numbers are formatted for the device's locale, "
            "and this one cannot be told for sure."
        )
    unit, factor = _UNITS[match[2]]
    return Quantity(float(match[1]) * factor, unit)


def parse_payload(content: bytes | str) -> Payload:
    """A payload's facts.

    Raises:
        UnreadableOutputError: not a payload, or with a number that cannot be told for sure.
    """
    document = read_document(content, "MetricKit")
    begin, end = text(document, "timeStampBegin"), text(document, "timeStampEnd")
    if begin is None or end is None:
        raise UnreadableOutputError("The document has no timeStampBegin and timeStampEnd: it is no MetricKit payload.")
    cpu_time = text(section(document, "cpuMetrics"), "cumulativeCPUTime")
    return Payload(
        app_version=text(document, "appVersion"),
        begin=begin,
        end=end,
        cpu_time=parse_quantity(cpu_time) if cpu_time else None,
        signposts=_signposts(document),
    )


def _signposts(document: Document) -> dict[str, dict[str, Quantity]]:
    entries = document.get("signpostMetrics")
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        intervals = section(entry, "signpostIntervalData")
        name = f"{text(entry, 'signpostCategory')}/{text(entry, 'signpostName')}"
        keys = {"cpu_time": "signpostCumulativeCPUTime", "memory.mean": "signpostAverageMemory"}
        written = {metric: text(intervals, key) for metric, key in keys.items()}
        found[name] = {metric: parse_quantity(value) for metric, value in written.items() if value}
    return found
