"""Runner: what executes a model in a process of its own on a device, and what it is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from device_harness.protocol import Device
from device_harness.runners.turns import Turns

Run = TypeVar("Run", covariant=True)
# Loading a model, starting an interpreter and copying the document, on a slow device.
START_UP_S = 60.0


class RunRequest(NamedTuple):
    """One process: what it runs and how often.

    Attributes:
        model: as `Runner.place` called it.
        limit_s: longest time of each phase.
        inputs: files on the device by tensor name.
        input_folder: where the values of the inputs go; None keeps none.
        output_folder: where the values of the outputs go, likewise.
        placement: whether to ask the runtime where it runs each operator, outside of the measured phase.
        op_profile: whether to time every operator, which slows the inferences down.
        turns: with other processes; None is alone.
        first: of the examples that the files of `inputs` hold, one after the other.
        examples: how many of them are run, once each, with the outputs of all of them one after the other in
            `output_folder`; 0 where the files hold a single one.
        cold: whether the model's file is put out of the page cache before it is loaded, where that can be done.
        signature: of the model; None is its first.
        shapes: of inputs, by tensor name, where they are not the file's own.
    """

    model: str
    warmup_runs: int
    warmup_min_s: float
    runs: int
    min_s: float
    limit_s: float
    threads: int
    accelerator: str = "cpu"
    cpus: tuple[int, ...] = ()
    seed: int = 0
    inputs: Mapping[str, str] = {}
    input_folder: str | None = None
    output_folder: str | None = None
    placement: bool = False
    op_profile: bool = False
    turns: Turns | None = None
    first: int = 0
    examples: int = 0
    cold: bool = False
    signature: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = {}

    @property
    def longest_s(self) -> float:
        """After this the process is ended: both phases and the time around them, and those of others in turn."""
        return (2 * self.limit_s + START_UP_S) * (1 if self.turns is None else self.turns.processes)


class Runner(Protocol[Run]):
    """Executes a model, each time in a new process.

    Every implementation passes `tests/contracts/runners.py`. The obligations:

    - `run` starts a new process each time, and returns when it has ended; nothing of it is left running.
    - A phase ends at the request's `limit_s`; the process is ended at `longest_s`.
    - Counts are exact: neither fewer measured inferences than asked for nor warm-ups among them.
    - A model that cannot be run is `CommandFailedError` with the program's words, never an empty result.

    Attributes:
        name: shown as the source of readings.
    """

    name: str

    def prepare(self, device: Device) -> None:
        """Put what it needs on the device.

        Raises:
            DeviceError: it cannot be had there; the message says what to install or give.
        """
        ...

    def place(self, device: Device, model: Path, name: str) -> str:
        """Put a model on the device, called `name` or after it; returns what `RunRequest.model` is to be."""
        ...

    def run(self, device: Device, request: RunRequest) -> Run:
        """Run one process to its end.

        Raises:
            CommandFailedError: it failed; the message has its last words.
            CommandTimeoutError: it did not end, and was ended.
            UnreadableOutputError: what it printed cannot be read.
        """
        ...
