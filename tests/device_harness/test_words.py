"""NUL bytes and control characters in what tools print: harmless where they are parsed, shown, or passed on."""

import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness import process
from device_harness.apple.documents import read_document
from device_harness.errors import CommandFailedError, DeviceError
from device_harness.facts import CommandResult
from device_harness.runners.bench_document import parse_bench_document
from device_harness.runners.coreml_build import SOURCES
from device_harness.words import decode, printable
from tests.conftest import RunCommand

STUB = r"""#!/bin/sh
case "$*" in
"devices -l")
  printf '* daemon started successfully\nList of devices attached\n'
  printf 'R58M\0 unauthorized usb:1-1\r\nTWICE device\nTWICE device\nPLAIN device model:Pixel_8\n\377\376 device\n' ;;
*shell*) printf '[ro.product.model]: [Pix\0el \033[31m8\007]\n[ro.build.version.release]: [14]\n' ;;
esac
"""


@given(st.binary(max_size=100))
def test_no_control_character_is_left(content: bytes) -> None:
    """Only tabs and line ends; and cleaning twice changes nothing more."""
    text = decode(content)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
    assert printable(text) == text


def test_numbers_and_words_survive() -> None:
    """A NUL inside a word and colours around it leave the word."""
    result = CommandResult(
        command=("x",), returncode=0, stdout=b"12\0\n\x1b[1;31mred\x1b[0m", stderr=b"a\0b", duration_s=0
    )
    assert result.text == "12\nred"
    assert result.errors == "ab"


def test_an_argument_with_nul_is_a_device_s_error() -> None:
    """A path that a garbled document named cannot be passed to a program: said, not raised as Python's ValueError."""
    with pytest.raises(CommandFailedError, match="null"):
        process.run(["echo", "a\0b"], timeout_s=5)
    with pytest.raises(DeviceError):
        process.run(["ec\0ho"], timeout_s=5)


def test_documents_with_nul_are_read() -> None:
    """Padding before and within a document, and an escaped NUL in a name."""
    content = json.loads((SOURCES / "sample_document.json").read_text())
    text = json.dumps(
        {"schema_version": content.pop("schema_version"), **content, "machine": {"model": "a\0\x1b[31mb"}}
    )
    document = parse_bench_document(b"\0\0" + text.encode() + b"\0\n", "test")
    assert document.machine == {"model": "ab"}
    assert read_document(b'{"a": "x\\u0000y"}\0', "test") == {"a": "xy"}


def test_devices_with_garbage_are_listed(
    mobile_export: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command line, with an adb that prints NULs, escapes, bytes that are no text and one serial twice."""
    adb = tmp_path / "adb"
    adb.write_text(STUB)
    adb.chmod(adb.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    done = mobile_export("devices", "-f", "json")
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout)["devices"] if row["kind"] == "adb"]
    assert [(row["serial"], row["state"], row["model"]) for row in rows] == [
        ("R58M", "unauthorized", None),
        ("TWICE", "unavailable", None),
        ("TWICE", "unavailable", None),
        ("PLAIN", "ready", "Pixel 8�"),
        ("��", "unavailable", None),
    ]
    shown = mobile_export("devices")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", shown.stdout + shown.stderr)


def test_an_adb_that_fails_is_told(mobile_export: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects against an empty list of devices for an adb that gave none."""
    adb = tmp_path / "adb"
    adb.write_text("#!/bin/sh\necho 'adb: failed to check server version: cannot connect' >&2; exit 1\n")
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    done = mobile_export("devices", "-f", "json")
    assert "cannot connect" in " ".join(json.loads(done.stdout)["not_asked"])
