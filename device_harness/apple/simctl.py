"""Answers of `xcrun simctl list -j devices`, of Xcode 10 (``iOS 12.1``) and later (``com.apple.CoreSimulator...``)."""

import re
from dataclasses import dataclass

from device_harness.apple.documents import Document, objects, read_document, section, text
from device_harness.errors import UnreadableOutputError

TOOL = "simctl"

_RUNTIME = re.compile(
    r"(?:com\.apple\.CoreSimulator\.SimRuntime\.)?(iOS|tvOS|watchOS|xrOS|visionOS)[ -]([0-9][0-9.\-]*)"
)


@dataclass(frozen=True)
class ListedSimulator:
    """One simulator.

    Attributes:
        platform: ``iOS``, ``tvOS``, ``watchOS`` or ``visionOS``; None for a runtime of another kind.
        os_version: such as ``18.2``.
        state: ``Shutdown``, ``Booted``, ``Booting``, ``Creating`` or ``Shutting Down``.
        unavailable: why it cannot be booted; None when it can.
    """

    udid: str
    name: str
    platform: str | None
    os_version: str | None
    state: str
    unavailable: str | None


def parse_simulators(content: bytes | str) -> tuple[ListedSimulator, ...]:
    """Every simulator in the listing; entries without a name or identifier are passed over.

    Raises:
        UnreadableOutputError: not such a listing.
    """
    document = read_document(content, TOOL)
    runtimes = document.get("devices")
    if not isinstance(runtimes, dict):
        raise UnreadableOutputError(f"{TOOL} list wrote a document without devices.")
    found = [
        _listed(runtime, entry) for runtime in runtimes for entry in objects(section(document, "devices"), runtime)
    ]
    return tuple(simulator for simulator in found if simulator is not None)


def _listed(runtime: str, entry: Document) -> ListedSimulator | None:
    udid, name = text(entry, "udid"), text(entry, "name")
    if udid is None or name is None:
        return None
    match = _RUNTIME.fullmatch(runtime.strip())
    return ListedSimulator(
        udid=udid,
        name=name,
        platform={"xrOS": "visionOS"}.get(match[1], match[1]) if match else None,
        os_version=match[2].replace("-", ".") if match else None,
        state=text(entry, "state") or "unknown",
        unavailable=_unavailable(entry),
    )


def _unavailable(entry: Document) -> str | None:
    """Newer versions say ``isAvailable``, older ones ``availability``: ``(available)``, ``(unavailable, reason)``."""
    available = entry.get("isAvailable")
    legacy = text(entry, "availability")
    if available in (True, "YES") or (available is None and legacy in (None, "(available)")):
        return None
    return text(entry, "availabilityError") or (legacy or "").strip("() ") or "its runtime is not installed"


_LAUNCHED = re.compile(r"^\S+: ([0-9]+)\s*$", re.MULTILINE)


def parse_launched(output: str) -> int:
    """The process identifier in the ``BUNDLE: PID`` line of `simctl launch`.

    Raises:
        UnreadableOutputError: no such line.
    """
    match = _LAUNCHED.search(output)
    if match is None:
        raise UnreadableOutputError(
            f"{TOOL} launch did not print the process identifier; it printed {output.strip()[:200]!r}."
        )
    return int(match[1])
