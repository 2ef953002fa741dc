"""Puts the stand-ins for Apple's tools on PATH and gives a test their script and their log of calls."""

import json
import os
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data/apple"
TOOLS = Path(__file__).with_name("tools.py")


class Stage:
    """A folder with stand-ins; `path` is what PATH is set to."""

    def __init__(self, folder: Path, *tools: str) -> None:
        self.folder = folder
        self.container = folder / "container"
        self.container.mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        for tool in tools:
            program = programs / tool
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{TOOLS}" {tool} "$@"\n')
            program.chmod(0o755)
        self.path = f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin"

    def script(self, *steps: dict[str, object]) -> None:
        """Make the stand-ins play these steps, and nothing else."""
        (self.folder / "script.json").write_text(json.dumps(steps))

    def play(self, session: str) -> None:
        """Make the stand-ins play a session of `tests/data/apple/sessions`."""
        self.script(*json.loads((DATA / "sessions" / f"{session}.json").read_text()))

    def left(self) -> int:
        """Steps of the script that were not played."""
        position = self.folder / "position"
        played = json.loads(position.read_text()) if position.exists() else []
        return len(json.loads((self.folder / "script.json").read_text())) - len(played)

    def calls(self) -> list[list[str]]:
        """Every call until now: tool and arguments."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def set_stage(folder: Path, monkeypatch: pytest.MonkeyPatch, *tools: str) -> Stage:
    """A stage for one test; only `tools` and the system's own programs are on PATH."""
    stage = Stage(folder / "apple", *tools)
    monkeypatch.setenv("PATH", stage.path)
    monkeypatch.setenv("FAKE_APPLE", str(stage.folder))
    for name in ("MOBILE_EXPORT_APPLE_TEAM", "MOBILE_EXPORT_APPLE_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return stage
