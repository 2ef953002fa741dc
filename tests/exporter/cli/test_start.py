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
    "numpy",
    "scipy",
    "sklearn",
    "distributed",
    "fsspec",
}


LIGHT = [
    ["--help"],
    ["targets", "list"],
    ["targets", "check"],
    ["targets", "schema"],
    ["devices"],
    ["doctor", "--no-devices"],
    ["budget", "model.tflite", "--report", "html=page.html"],
    ["report", "run.json", "--report", "html=page.html"],
    ["compare", "model.tflite", "model.tflite"],
    ["inspect", "model.tflite"],
]


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_loads_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    """Protects the start-up time where they are installed: torch alone costs over a second."""
    prepare(tmp_path)
    script = (
        "import sys\nfrom exporter.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert not loaded & (HEAVY - {"numpy"}), "values are counted by numpy where it is installed"


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_works_without_heavy_libraries(arguments: list[str], tmp_path: Path) -> None:
    """Protects the light install, which has none of them."""
    prepare(tmp_path)
    done = without_heavy(arguments, tmp_path)
    assert done.returncode == 0, done.stderr


def prepare(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(tflite(1000))
    run = result_of("run", "a name")
    assert isinstance(run, RunResult)
    record = run.record.model_copy(update={"exit_code": 0})
    (tmp_path / "run.json").write_text(record.model_dump_json())


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "torchvision:resnet18", "--target", "pixel-8"],
        ["convert", "net.pt2", "--target", "pixel-8"],
        ["verify", "model.tflite", "net.pt2", "--target", "pixel-8"],
        ["compress", "net.pt2", "--recipe", "r.toml", "--output", "out.pt2"],
        ["demo"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_what_needs_the_converters_says_so(arguments: list[str], tmp_path: Path) -> None:
    """One sentence with the command that installs them, before anything is read or written."""
    (tmp_path / "model.tflite").write_bytes(tflite(1000))
    done = without_heavy(arguments, tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("torch is not installed. Install it with: pip install 'mobile-export[export]'")
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def without_heavy(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own, in which no heavy library can be imported."""
    script = (
        f"import sys\nsys.modules.update(dict.fromkeys({sorted(HEAVY)!r}))\n"
        f"from exporter.cli.main import main\nmain({arguments!r})"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


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
