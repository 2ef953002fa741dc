"""Instruments from the command line: `xctrace record` around a measurement, and `xctrace export` of its tables.

Around what xctrace does: recording has only begun at its marker on standard output; with a time limit it may end with
code 54 although the trace was saved; saving takes up to minutes; and from Xcode 26 on a trace recorded with
``--template`` may not export ("Document Missing Template Error"), one recorded with ``--instrument`` does.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from device_harness import process
from device_harness.apple.advice import XCODE, check
from device_harness.errors import CommandFailedError, CommandTimeoutError
from profilers.parse.apple.xctrace_toc import Run, parse_toc, recording_saved, recording_started

INSTRUMENTS = ("Core ML", "Neural Engine", "Time Profiler")
TIME_LIMIT_REACHED = 54
START_S = 90.0
SAVE_S = 600.0
EXPORT_S = 600.0
POLL_S = 0.1


class Recording:
    """A recording of all processes of a device or of this Mac; a context manager that begins when recording has."""

    def __init__(
        self, output: Path, *, seconds: int, device: str | None = None, instruments: Sequence[str] = INSTRUMENTS
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            output: the .trace to write; must not exist.
            seconds: time limit of the recording.
            device: UDID; None records this Mac.
            instruments: names as `xctrace list instruments` gives them.
        """
        self.output = output
        self.seconds = seconds
        chosen = [part for name in instruments for part in ("--instrument", name)]
        where = ["--device", device] if device else []
        ends = ["--time-limit", f"{seconds}s", "--no-prompt", "--output", str(output)]
        self._command = ["xcrun", "xctrace", "record", *chosen, *where, "--all-processes", *ends]
        self._device = device
        self._process: process.Process | None = None

    def __enter__(self) -> Self:
        """Begin, unless `begin` was called before."""
        if self._process is None:
            self.begin()
        return self

    def begin(self) -> None:
        """Start, and return when xctrace says that it records.

        Raises:
            ToolMissingError: no Xcode.
            CommandFailedError: xctrace ended before it recorded.
            CommandTimeoutError: it does not begin.
        """
        process.find_program("xcrun", XCODE)
        self._process = process.Process(self._command)
        end = time.monotonic() + START_S
        while not recording_started(self._process.output_so_far()):
            if self._process.poll() is not None:
                result = self._process.wait(1)
                self._process.close()
                check(result, "Instruments did not record", serial=self._device)
                raise CommandFailedError("xctrace ended before it recorded, without saying why.", serial=self._device)
            if time.monotonic() > end:
                self._process.close()
                raise CommandTimeoutError(f"xctrace did not begin to record within {START_S:g} s.", serial=self._device)
            time.sleep(POLL_S)

    def finish(self) -> Path:
        """Wait for the time limit and the saving, and return the trace.

        Raises:
            CommandFailedError: no trace was saved.
            CommandTimeoutError: saving takes longer than ten minutes.
        """
        assert self._process is not None, "the recording has not begun"
        result = self._process.wait(self.seconds + SAVE_S)
        saved = recording_saved(result.text) is not None and self.output.exists()
        if not saved or result.returncode not in (0, TIME_LIMIT_REACHED):
            check(result, "Instruments saved no trace", serial=self._device)
            raise CommandFailedError(f"Instruments saved no trace: {result.text[-300:]}", serial=self._device)
        return self.output

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the recording when it still runs."""
        del kind, error, trace
        if self._process is not None:
            self._process.close()


def contents(trace: Path, folder: Path) -> tuple[Run, ...]:
    """The runs of a trace with the names of their tables.

    Raises:
        CommandFailedError: xctrace cannot export it.
        UnreadableOutputError: what it wrote is not a table of contents.
    """
    output = folder / "toc.xml"
    _export(trace, ["--toc"], output)
    return parse_toc(output.read_bytes())


def export_table(trace: Path, schema: str, output: Path, *, run: int = 1) -> Path:
    """Write the table called `schema` of a run to an XML file for `profilers.parse.apple.xctrace.read_rows`.

    Raises:
        CommandFailedError: xctrace cannot export it.
    """
    _export(trace, ["--xpath", f'/trace-toc/run[@number="{run}"]/data/table[@schema="{schema}"]'], output)
    return output


def _export(trace: Path, what: Sequence[str], output: Path) -> None:
    process.find_program("xcrun", XCODE)
    command = ["xcrun", "xctrace", "export", "--input", str(trace), *what, "--output", str(output)]
    result = process.run(command, timeout_s=EXPORT_S)
    if "Document Missing Template" in result.text + result.errors:
        raise CommandFailedError(
            f"xctrace cannot export {trace.name}: it was recorded with --template, which Xcode 26 and newer cannot "
            "read back. Record it with --instrument."
        )
    check(result, f"Exporting {trace.name} failed", serial=None)
    if not output.is_file():
        raise CommandFailedError(f"xctrace reports success, but wrote no {output.name}.")
