"""The process that `exporter.execution.workers` starts: it carries out one task, and tells of it in files."""

import contextlib
import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.data.progress import Advance


class WrittenProgress:
    """Implements `Progress`; every event is a line of JSON, which the process that started this one passes on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def stage(self, text: str) -> Iterator[Advance]:
        """Tell of the stage's begin, advances and end."""
        self._write(stage=text)
        try:
            yield lambda done, total: self._write(done=done, total=total)
        finally:
            self._write()

    def note(self, text: str) -> None:
        """Tell a sentence."""
        self._write(note=text)

    def _write(self, **event: Any) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")


def main(folder: Path) -> None:
    """Carry out the task in `folder`; each result is in a file of its own there, whole, as soon as it is had."""
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    work, arguments = pickle.loads((folder / "task").read_bytes())  # noqa: S301 - who started this wrote it
    for place, result in enumerate(work(*arguments, WrittenProgress(folder / "progress"))):
        unfinished = folder / "unfinished"
        unfinished.write_bytes(pickle.dumps(result))
        unfinished.rename(folder / f"{place:06}.result")


def _end_with_the_starter() -> None:
    """Standard input ends when the process that holds its other end does, however that came."""
    while os.read(sys.stdin.fileno(), 1):  # and not through the stream, whose lock would be held when this one ends
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
