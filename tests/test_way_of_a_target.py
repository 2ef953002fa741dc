"""A target passes the modules that the map lists, in that order, and each of them once.

A way that goes back and forth cannot be read: whoever follows a setting to its verdict opens each file a single time.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType

import pytest
from click.testing import CliRunner

from exporter.cli.main import main
from exporter.data.settings.target import Target
from exporter.formats.registry import names
from exporter.store.runs import load_record
from exporter.use_cases.job.work import TargetWork

ROOT = Path(__file__).parents[1]
MOST = 15
MODEL = """
import torch

def net():
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3).eval()
"""
TARGETS = """
[targets.ours]
format = "onnx"
minimum_os = "Android 12"
device = "local"
tolerances.snr_db = 20
budgets = { size = "1 MB", download = "1 MB", latency_p50 = "10 s" }
"""
COMMAND = "run net.py:net --targets t.toml --target ours --input-shape x=1,4 --no-measure --device local --quick -o out"
PARCELS = ("exporter/data/settings/", "exporter/use_cases/job/work.py")
"""The target itself and the work that carries it: what passes, not what it passes."""
OWN = tuple(f"exporter/formats/{name}/" for name in (*names(), "common", "NAME"))
"""Each format's own house, and what the houses share."""


def listed() -> list[str]:
    """The modules of the way, as the map has them."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"A target's way .*?\n## ", text, re.DOTALL)
    return re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)


def place(file: str) -> str:
    """The module's place in the repository; empty for those that are no part of the way."""
    path = Path(file)
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
    return name if name.startswith("exporter/") and not name.startswith((*PARCELS, *OWN)) else ""


@contextmanager
def watching() -> Iterator[list[str]]:
    """The modules of whose functions one makes a target or is handed one, a call each, in order."""
    seen: list[str] = []
    places: dict[CodeType, str] = {}

    def look(frame: FrameType, event: str, given: object) -> None:
        code = frame.f_code
        if code not in places:
            places[code] = place(code.co_filename)
        if places[code] and carries(frame, event, given):
            seen.append(places[code])

    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def carries(frame: FrameType, event: str, given: object) -> bool:
    """Whether the call is handed a target or work on one, or the return gives the target."""
    if event == "return":
        return isinstance(given, Target)
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if event == "call" else ()
    return any(isinstance(frame.f_locals.get(name), Target | TargetWork) for name in names)


def test_a_target_passes_the_modules_that_the_map_lists_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "t.toml").write_text(TARGETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOBILE_EXPORT_CACHE", str(tmp_path / "cache"))
    with watching() as seen:
        done = CliRunner().invoke(main, COMMAND.split())
    assert done.exit_code == 0, done.output
    (target,) = load_record(tmp_path / "out" / "run.json").targets
    assert target.profiles[0].measured, "the way over a device was taken"
    command, *way = listed()
    assert command == "exporter/cli/commands/run.py"
    assert [module for module, _ in groupby(seen)] == [module for module in way if not module.startswith(OWN)]
    assert len({command, *way}) == len([command, *way]) <= MOST
