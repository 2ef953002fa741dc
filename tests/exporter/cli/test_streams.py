"""Standard output and error outlive their readers, and no verdict depends on them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import PROGRAM

LOUD = """
import sys, click
from exporter.cli import main as program
from exporter.cli.lazy import CommandEntry

@click.command("loud")
def command():
    from exporter.report.text.console import plain_console
    for number in range(20000):
        click.echo(number)
    plain_console().print("end")
    click.echo("said", err=True)
    return 1

sys.modules["loud"] = sys.modules["__main__"]
program.main.entries["loud"] = CommandEntry("loud", "")
program.main(["loud"])
"""


@pytest.mark.parametrize("shell", ["| head -1", "| true", ">&-", ">&- 2>&-", "2>&1 | head -1"])
def test_the_exit_code_is_the_command_s_whoever_reads(shell: str, tmp_path: Path) -> None:
    """Protects gates in pipes: neither exit 1 of a broken pipe, nor exit 0 where a gate failed."""
    (tmp_path / "loud.py").write_text(LOUD)
    done = _in_bash(f"{sys.executable} loud.py {shell}; echo code ${{PIPESTATUS[0]}} > code", tmp_path)
    assert (tmp_path / "code").read_text() == "code 1\n"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def _in_bash(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_said() -> None:
    done = _in_bash(f"{PROGRAM} targets list > /dev/full", Path.cwd())
    assert done.returncode == 3
    assert done.stderr == "error: standard output: No space left on device\n"


def test_help_in_a_pipe_is_no_error() -> None:
    done = _in_bash(f"{PROGRAM} --help | head -1; exit ${{PIPESTATUS[0]}}", Path.cwd())
    assert (done.returncode, done.stderr) == (0, "")
