"""The command line starts without heavy libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

from exporter.data.results.commands import RunResult
from tests.exporter.report.results import result_of
from tests.exporter.sizes.builders import tflite

HEAVY = {
    "torch",
    "torchvision",
    "tensorflow",
    "coremltools",
    "onnx",
    "onnx2tf",
    "onnxruntime",
    "ai_edge_litert",
    "sklearn",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["targets", "list"],
        ["targets", "check"],
        ["targets", "schema"],
        ["devices"],
        ["budget", "model.tflite", "--report", "html=page.html"],
        ["report", "run.json", "--report", "html=page.html"],
        ["compare", "model.tflite", "model.tflite"],
    ],
    ids=" ".join,
)
def test_loads_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    """Protects the light install and the start-up time: torch alone costs over a second."""
    (tmp_path / "model.tflite").write_bytes(tflite(1000))
    run = result_of("run", "a name")
    assert isinstance(run, RunResult)
    record = run.record.model_copy(update={"exit_code": 0})
    (tmp_path / "run.json").write_text(record.model_dump_json())
    script = (
        "import sys\nfrom exporter.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert not loaded & HEAVY


def test_help_of_every_command_is_the_one_in_the_table() -> None:
    """Protects `--help`, which shows the table's sentence without importing the command."""
    import importlib

    from exporter.cli.main import COMMANDS

    for name, entry in COMMANDS.items():
        command = importlib.import_module(entry.module).command
        assert command.name == name
        assert (command.help or "").split("\n\n")[0].replace("\n", " ") == entry.help


@pytest.mark.parametrize("becomes", ["KeyboardInterrupt()", "RuntimeError('of a library')", "OSError('of a library')"])
def test_ctrl_c_ends_with_130_whatever_a_library_makes_of_it(becomes: str) -> None:
    """Protects scripts that tell an interrupted run from a failed one: some libraries catch the interrupt."""
    script = f"""
import os, signal, sys, types
import click
from exporter.cli import main as program
from exporter.cli.lazy import CommandEntry

@click.command("wait")
def command():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait([], 1)
    except KeyboardInterrupt:
        raise {becomes} from None

sys.modules["waiting"] = types.SimpleNamespace(command=command)
program.COMMANDS["wait"] = CommandEntry("waiting", "")
program.main(["wait"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Interrupted" in done.stderr
