"""In a process that `exporter.execution.workers` starts: it carries out one task, and tells of it in files."""

import contextlib
import json
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from exporter.data.progress import Advance
from exporter.execution.forked import end_with_the_starter
from exporter.execution.garbage import process_is_ours


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


def carry_out(work: Callable[..., Iterator[Any]], arguments: tuple[Any, ...], folder: Path) -> None:
    """Each result is in a file of its own in `folder`, whole, as soon as it is had."""
    for place, result in enumerate(work(*arguments, WrittenProgress(folder / "progress"))):
        unfinished = folder / "unfinished"
        unfinished.write_bytes(pickle.dumps(result))
        unfinished.rename(folder / f"{place:06}.result")


def main(folder: Path) -> None:
    """Carry out the task that is written in `folder`."""
    # Standard input by its number: the stream's lock would be held when this process ends.
    threading.Thread(target=end_with_the_starter, args=(sys.stdin.fileno(),), daemon=True).start()
    work, arguments = pickle.loads((folder / "task").read_bytes())  # noqa: S301 - who started this wrote it
    carry_out(work, arguments, folder)


if __name__ == "__main__":
    process_is_ours()
    main(Path(sys.argv[1]))
