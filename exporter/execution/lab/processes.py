"""Starts the processes of a lab on this host; each ends with who started it."""

import os
import sys
from pathlib import Path

from device_harness.process import Process
from exporter.execution.lab.files import VARIABLE


def process_of(kind: str, spec: str, state: Path, name: str, inside: tuple[str, ...] = ()) -> Process:
    """A process of the lab.

    Args:
        kind: the module of this folder that it runs, ``scheduler`` or ``worker``.
        spec: what it is, as JSON.
        state: folder of the host.
        name: no other process of this host has it.
        inside: a command before its own, which starts it elsewhere.
    """
    path = (state / "processes" / f"{name}.json").resolve()
    path.write_text(spec)
    path.chmod(0o600)
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), VARIABLE: str(state.resolve())}
    command = [*inside, sys.executable, "-P", "-m", f"exporter.execution.lab.{kind}", str(path)]
    return Process(command, hold_stdin=True, env=environment)
