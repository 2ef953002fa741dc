"""The command line starts without heavy libraries."""

import subprocess
import sys

import pytest

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
    "arguments", [["--help"], ["targets", "list"], ["targets", "check"], ["targets", "schema"], ["devices"]]
)
def test_loads_no_heavy_library(arguments: list[str]) -> None:
    """Protects the light install and the start-up time: torch alone costs over a second."""
    script = (
        "import sys\nfrom exporter.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
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
