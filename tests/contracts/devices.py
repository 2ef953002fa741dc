"""The obligations of `device_harness.protocol.Device`, as tests.

To put an implementation under contract, derive a class whose name begins with ``Test`` from `DeviceContract` and give
it a fixture `subject` that returns a `Subject`: how to open the device, and how to look at it from outside.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_harness.errors import CommandTimeoutError, DeviceError, TransferError
from device_harness.protocol import Device

NASTY = ["a b", "$(touch pwned)", "`touch pwned`", "; touch pwned", "'", '"', "\\", "*", "-n", "~", "ü\u2028", "&&", ""]


@dataclass(frozen=True)
class Subject:
    """An implementation under test.

    Attributes:
        open: gives a new session.
        alive: whether a process with this command-line marker still runs on the device, seen from outside.
        exists: whether a path exists on the device, seen from outside.
        shell: the device's POSIX shell; None where programs cannot be run by path (those tests are left out).
    """

    open: Callable[[], Device]
    alive: Callable[[str], bool]
    exists: Callable[[str], bool]
    shell: str | None = "/bin/sh"


def gone(alive: Callable[[str], bool], marker: str, within_s: float = 5.0) -> bool:
    """Whether the marked process ends within `within_s`."""
    end = time.monotonic() + within_s
    while alive(marker):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class DeviceContract:
    """Runs against every implementation."""

    @pytest.fixture
    def shell(self, subject: Subject) -> str:
        if subject.shell is None:
            pytest.skip("this kind of device runs no programs by path")
        return subject.shell

    def test_info_names_the_device(self, subject: Subject) -> None:
        """Readings are filed under the serial; a device that is open is ready."""
        with subject.open() as device:
            info = device.info()
            assert info.serial == device.serial
            assert info.state == "ready"
            assert info.advice is None

    def test_is_a_device(self, subject: Subject) -> None:
        """The protocol's members are all there."""
        with subject.open() as device:
            assert isinstance(device, Device)

    def test_return_code_and_streams_are_the_programs_own(self, subject: Subject, shell: str) -> None:
        """A failing benchmark must not pass for a good one, nor its messages for results."""
        with subject.open() as device:
            result = device.run([shell, "-c", "echo out; echo err >&2; exit 7"], timeout_s=30)
        assert (result.returncode, result.stdout, result.stderr) == (7, b"out\n", b"err\n")

    def test_output_is_bytes(self, subject: Subject, shell: str) -> None:
        """Binary protos come through standard output unchanged."""
        with subject.open() as device:
            result = device.run([shell, "-c", r"printf '\000\377\r\n\n'"], timeout_s=30)
        assert result.stdout == b"\x00\xff\r\n\n"

    def test_arguments_are_data(self, subject: Subject, shell: str) -> None:
        """No model name can run a command."""
        with subject.open() as device:
            result = device.run(
                [shell, "-c", 'for word in "$@"; do printf "%s\\n" "$word"; done', "x", *NASTY], timeout_s=30
            )
            assert result.text.split("\n")[:-1] == NASTY
            assert not subject.exists(f"{device.workspace}/pwned")

    def test_environment_is_data(self, subject: Subject, shell: str) -> None:
        """Values of variables are not interpreted either."""
        with subject.open() as device:
            variables = {f"VALUE{place}": value for place, value in enumerate(NASTY)}
            words = " ".join(f'"${name}"' for name in variables)
            result = device.run([shell, "-c", f"printf '%s\\n' {words}"], timeout_s=30, env=variables)
            assert result.text == "".join(f"{value}\n" for value in NASTY)

    def test_missing_program_is_not_a_success(self, subject: Subject, shell: str) -> None:
        """A wrong path of a benchmark binary is told."""
        with subject.open() as device:
            try:
                outcome = str(device.run(["/no/such/program"], timeout_s=30).returncode)
            except DeviceError as error:
                outcome = str(error)
        assert outcome == "127" or "/no/such/program" in outcome

    def test_push_pull_round_trip(self, subject: Subject, tmp_path: Path) -> None:
        """Bytes arrive as sent, under names with any characters, and large ones too."""
        content = bytes(range(256)) * 5000
        source = tmp_path / "source.bin"
        source.write_bytes(content)
        with subject.open() as device:
            for name in ("model.tflite", "a b'c$(x).bin"):
                path = device.push(source, name)
                assert path == f"{device.workspace}/{name}"
                back = tmp_path / "back.bin"
                device.pull(path, back)
                assert back.read_bytes() == content

    def test_pushed_program_runs(self, subject: Subject, tmp_path: Path, shell: str) -> None:
        """A runner is pushed as executable."""
        program = tmp_path / "program"
        program.write_text(f"#!{shell}\necho it runs\n")
        with subject.open() as device:
            path = device.push(program, "program", executable=True)
            assert device.run([path], timeout_s=30).text == "it runs\n"

    def test_push_of_a_missing_file(self, subject: Subject, tmp_path: Path) -> None:
        """Told as a transfer error that names the file; nothing half-written stays."""
        with subject.open() as device:
            with pytest.raises(TransferError, match=r"nothing\.bin"):
                device.push(tmp_path / "nothing.bin", "nothing.bin")
            assert not subject.exists(f"{device.workspace}/nothing.bin")

    def test_pull_of_a_missing_file(self, subject: Subject, tmp_path: Path) -> None:
        """Told as a transfer error that names the path."""
        with subject.open() as device, pytest.raises(TransferError, match="absent"):
            device.pull(f"{device.workspace}/absent", tmp_path / "absent")

    def test_timeout_kills_on_the_device(self, subject: Subject, shell: str) -> None:
        """A hung benchmark is ended there, not only here, with all that it started."""
        marker = f"31{time.monotonic_ns() % 10**7:07d}"
        with subject.open() as device:
            with pytest.raises(CommandTimeoutError):
                device.run([shell, "-c", f"sleep {marker} & sleep {marker}; true"], timeout_s=1)
            assert gone(subject.alive, marker)

    def test_started_process_is_killed(self, subject: Subject, shell: str) -> None:
        """`kill` ends the process and its children on the device; `poll` tells."""
        marker = f"32{time.monotonic_ns() % 10**7:07d}"
        with subject.open() as device:
            started = device.start([shell, "-c", f"sleep {marker} & sleep {marker}; true"])
            assert started.pid > 1
            assert started.poll() is None
            assert subject.alive(marker) or not gone(subject.alive, marker, 0.5)
            started.kill()
            assert gone(subject.alive, marker)
            started.kill()

    def test_what_a_process_is_just_starting_ends_with_it(self, subject: Subject, shell: str) -> None:
        """Whatever lists the processes to end must not miss one that was begun meanwhile: it would run on for good."""
        command = [shell, "-c", 'i=0; while [ $i -lt 120 ]; do sleep "$0" & i=$((i + 1)); done; wait']
        with subject.open() as device:
            for turn in range(4):
                marker = f"34{time.monotonic_ns() % 10**7:07d}"
                started = device.start([*command, marker])
                time.sleep(0.02 * turn)  # the end comes at another moment of the loop each turn
                started.kill()
                assert gone(subject.alive, marker)

    def test_started_process_gives_its_result(self, subject: Subject, shell: str) -> None:
        """`wait` returns code and streams."""
        with subject.open() as device:
            result = device.start([shell, "-c", "echo out; echo err >&2; exit 3"]).wait(30)
        assert (result.returncode, result.stdout, result.stderr) == (3, b"out\n", b"err\n")

    def test_leaving_clears_up(self, subject: Subject, tmp_path: Path, shell: str) -> None:
        """Nothing is left on the device, also when the session ends by an error."""
        source = tmp_path / "file"
        source.write_text("x")
        marker = f"33{time.monotonic_ns() % 10**7:07d}"
        seen = []
        with pytest.raises(KeyboardInterrupt), subject.open() as device:  # noqa: PT012 - the body is the test
            seen.append(device.workspace)
            device.push(source, "file")
            assert subject.exists(f"{device.workspace}/file")
            device.start([shell, "-c", f"sleep {marker}; true"])
            raise KeyboardInterrupt
        assert not subject.exists(seen[0])
        assert gone(subject.alive, marker)

    def test_closing_twice(self, subject: Subject) -> None:
        """`close` may be called again."""
        with subject.open() as device:
            device.close()

    def test_sessions_do_not_share_a_workspace(self, subject: Subject) -> None:
        """Two sessions at once cannot overwrite or remove each other's files."""
        with subject.open() as first, subject.open() as second:
            assert first.workspace != second.workspace

    def test_clock_offset(self, subject: Subject) -> None:
        """Two estimates agree within what they claim, with room for drift."""
        with subject.open() as device:
            first, second = device.clock_offset(), device.clock_offset()
        assert first.uncertainty_s >= 0
        assert abs(first.offset_s - second.offset_s) <= first.uncertainty_s + second.uncertainty_s + 0.05
