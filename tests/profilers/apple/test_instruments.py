"""Recording with Instruments: markers, exit code 54, slow saves, the export fault of Xcode 26, and exact commands."""

from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import CommandFailedError, CommandTimeoutError
from profilers.watch import recording as apple_instruments
from profilers.watch.recording import Recording, contents, export_table
from tests.fakes.apple.stage import Stage

STARTED = "Starting recording with the Core ML instrument. Time limit: 5.0 s\nCtrl-C to stop the recording\n"
ENDED = "Reached specified time limit, ending recording...\nRecording completed. Saving output file...\n"


def record_step(trace: Path, device: str | None = "UDID-READY", **answer: object) -> dict[str, object]:
    where = ["--device", device] if device else []
    chosen = ["--instrument", "Core ML", "--instrument", "Neural Engine", "--instrument", "Time Profiler"]
    ends = ["--time-limit", "5s", "--no-prompt", "--output", str(trace)]
    arguments = ["xctrace", "record", *chosen, *where, "--all-processes", *ends]
    return {"tool": "xcrun", "args": arguments, **answer}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "run.trace"


@pytest.mark.parametrize("code", [0, 54])
def test_recording_surrounds_the_measurement(stage: Stage, trace: Path, code: int) -> None:
    """It has begun when the body runs; code 54 with a saved trace is a success; saving slowly is waited for."""
    output = [STARTED, ENDED, f"Output file saved as: {trace.name}\n"]
    stage.script(record_step(trace, stdout=output, delay_s=0.3, rc=code))
    with Recording(trace, seconds=5, device="UDID-READY") as recording:
        # The stand-in cannot make a bundle where the real tool does; the trace appears beside the marker.
        trace.mkdir()
        assert recording.finish() == trace


def test_a_recording_of_this_mac(stage: Stage, trace: Path) -> None:
    stage.script(record_step(trace, None, stdout=[STARTED, f"Output file saved as: {trace.name}\n"]))
    trace.mkdir()
    with Recording(trace, seconds=5) as recording:
        recording.finish()
    assert stage.left() == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"rc": 54, "stdout": STARTED + ENDED}, "saved no trace"),
        ({"rc": 0, "stdout": STARTED + ENDED}, "saved no trace"),
        ({"rc": 2, "stdout": STARTED + "Output file saved as: run.trace\n"}, "saved no trace"),
    ],
)
def test_a_recording_without_a_trace_is_told(stage: Stage, trace: Path, answer: dict[str, Any], words: str) -> None:
    """Neither code 54 nor code 0 says that there is a trace."""
    stage.script(record_step(trace, **answer))
    with Recording(trace, seconds=5, device="UDID-READY") as recording, pytest.raises(CommandFailedError, match=words):
        recording.finish()


def test_a_recording_that_does_not_begin_is_told(stage: Stage, trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.script(record_step(trace, rc=1, stderr="Cannot find instrument named Neural Engine\n"))
    with pytest.raises(CommandFailedError, match="Cannot find instrument"):
        Recording(trace, seconds=5, device="UDID-READY").__enter__()
    (stage.folder / "position").unlink()
    stage.script(record_step(trace, hang=True))
    monkeypatch.setattr(apple_instruments, "START_S", 0.5)
    with pytest.raises(CommandTimeoutError, match="did not begin"):
        Recording(trace, seconds=5, device="UDID-READY").__enter__()


def export_step(trace: Path, what: list[str], output: Path, written: str) -> dict[str, object]:
    arguments = ["xctrace", "export", "--input", str(trace), *what, "--output", str(output)]
    return {"tool": "xcrun", "args": arguments, "file": written}


def test_export(stage: Stage, trace: Path, tmp_path: Path) -> None:
    """The table of contents, then one table by its schema."""
    toc = '<trace-toc><run number="1"><data><table schema="ane-hw-intervals"/></data></run></trace-toc>'
    (stage.folder / "toc.xml").write_text(toc)
    (stage.folder / "table.xml").write_text("<trace-query-result/>")
    xpath = '/trace-toc/run[@number="1"]/data/table[@schema="ane-hw-intervals"]'
    stage.script(
        export_step(trace, ["--toc"], tmp_path / "toc.xml", "toc.xml"),
        export_step(trace, ["--xpath", xpath], tmp_path / "ane.xml", "table.xml"),
    )
    assert contents(trace, tmp_path)[0].schemas == ("ane-hw-intervals",)
    assert export_table(trace, "ane-hw-intervals", tmp_path / "ane.xml").read_text() == "<trace-query-result/>"
    assert stage.left() == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"rc": 1, "stderr": "Document Missing Template Error"}, "Record it with --instrument"),
        ({"rc": 0}, r"wrote no t\.xml"),
        ({"rc": 10, "stderr": "Could not open trace"}, "Could not open trace"),
    ],
)
def test_exports_that_fail_are_told(
    stage: Stage, trace: Path, tmp_path: Path, answer: dict[str, Any], words: str
) -> None:
    arguments = ["xctrace", "export", "--input", str(trace), "--xpath", "*", "--output", "*"]
    stage.script({"tool": "xcrun", "args": arguments, **answer})
    with pytest.raises(CommandFailedError, match=words):
        export_table(trace, "x", tmp_path / "t.xml")
