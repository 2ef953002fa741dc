"""The table of contents of a trace (`xctrace export --toc`), and the output of `xctrace record`."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from device_harness.errors import UnreadableOutputError


@dataclass(frozen=True)
class Run:
    """One recording in a trace.

    Attributes:
        number: its number, which XPath expressions name.
        schemas: names of its tables.
        pid: the process that was recorded; None for all processes.
        process: that process's name.
        duration_s: length of the recording.
        end_reason: why it ended, in Instruments' words.
        template: the template that was recorded.
        instruments: version of Instruments.
        device: the device's name with its system.
    """

    number: int
    schemas: tuple[str, ...]
    pid: int | None
    process: str | None
    duration_s: float | None
    end_reason: str | None
    template: str | None
    instruments: str | None
    device: str | None


def parse_toc(content: bytes) -> tuple[Run, ...]:
    """The runs of a trace.

    Raises:
        UnreadableOutputError: not a table of contents, or cut off.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise UnreadableOutputError("The file is not a table of contents that xctrace wrote.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - declarations are refused above
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise UnreadableOutputError(f"xctrace's table of contents is not whole XML ({error}).") from error
    if root.tag != "trace-toc":
        raise UnreadableOutputError(f"The file begins with {root.tag}, not with xctrace's table of contents.")
    return tuple(_run(element) for element in root.findall("run"))


def _run(element: ElementTree.Element) -> Run:
    process = element.find("info/target/process")
    device = element.find("info/target/device")
    pid = _whole(process.get("pid")) if process is not None and process.get("type") != "all" else None
    number = _whole(element.get("number"))
    if number is None:
        raise UnreadableOutputError("A run in xctrace's table of contents has no number.")
    return Run(
        number=number,
        schemas=tuple(table.get("schema") or "" for table in element.findall("data/table")),
        pid=pid,
        process=process.get("name") if process is not None and pid is not None else None,
        duration_s=_seconds(element.findtext("info/summary/duration")),
        end_reason=element.findtext("info/summary/end-reason"),
        template=element.findtext("info/summary/template-name"),
        instruments=element.findtext("info/summary/instruments-version"),
        device=f"{device.get('name')} ({device.get('platform')} {device.get('os-version')})"
        if device is not None
        else None,
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text) else None


STARTED = "Ctrl-C to stop the recording"
SAVED = re.compile(r"^Output file saved as: (.+?)\s*$", re.MULTILINE)


def recording_started(output: str) -> bool:
    """Whether `xctrace record` says that it records; before that, what runs is lost."""
    return STARTED in output


def recording_saved(output: str) -> str | None:
    """The trace's path when `xctrace record` says that it has saved one, else None."""
    match = SAVED.search(output)
    return match[1] if match else None
