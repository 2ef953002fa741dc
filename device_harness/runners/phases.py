"""The parts of a measurement in this process: inferences one after the other, in turns, or example by example."""

import argparse
import math
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from device_harness.runners.bench_document import Acceleration
from device_harness.runners.turns import Taking


class Slot(NamedTuple):
    """An input of a model; every dimension of `shape` is fixed."""

    name: str
    dtype: Any
    shape: tuple[int, ...]


class Asked(NamedTuple):
    """How a model is loaded.

    Attributes:
        threads: of the CPU; 0 leaves it to the runtime.
        signature: of the model; None is its first.
        shapes: of inputs, by name, where they are not the file's own.
    """

    threads: int = 0
    signature: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = {}


class Engine(Protocol):
    """A loaded model.

    Attributes:
        runtime: what runs it, with its version.
    """

    runtime: str

    @property
    def compile_s(self) -> float | None:
        """Time in which the runtime prepared the model, a part of loading; None where it does not tell."""
        ...

    def inputs(self) -> Sequence[Slot]:
        """What it takes, in order."""
        ...

    def fill(self, position: int, values: NDArray[Any]) -> None:
        """Give it one input."""
        ...

    def run(self) -> None:
        """One inference."""
        ...

    def outputs(self) -> Sequence[tuple[str, NDArray[Any]]]:
        """Names and values of the last inference's outputs."""
        ...

    def acceleration(self) -> Acceleration:
        """Where it runs."""
        ...


Start = Callable[[Path, Asked], Engine]
"""Loads a model as it is asked for; ValueError or RuntimeError for one that the runtime refuses."""


class Timings(NamedTuple):
    """Start times on CLOCK_MONOTONIC, latencies and process times of a phase, in seconds."""

    starts: "array[float]"
    latencies: "array[float]"
    cpu: "array[float]"

    @property
    def size_bytes(self) -> int:
        """What they take, which is not the model's and grows with the length of the run."""
        return sum(part.itemsize * len(part) for part in self)


def wait_limit_s(arguments: argparse.Namespace) -> float:
    """Of one wait: every other process may load its model and warm up meanwhile."""
    return float(2 * arguments.turns.processes * arguments.limit_s)


def measured_phase(engine: Engine, arguments: argparse.Namespace, shared: Taking, timings: Timings) -> tuple[int, ...]:
    """The whole phase at once, or, with others, turn by turn; gives the number of inferences of each turn."""
    if arguments.examples:
        _run_examples(engine, arguments, timings)
        return ()
    if arguments.turns is None:
        phase(engine, arguments.runs, arguments.min_s, arguments.limit_s, timings)
        return ()
    took, ends = 0.0, [0]
    while (ends[-1] < arguments.runs or took < arguments.min_s) and took < arguments.limit_s:
        shared.pass_on()  # the turn before: the one in which the model was loaded is the first
        shared.wait()
        took += phase(engine, 0, arguments.turns.slice_s, arguments.limit_s, timings)
        ends.append(len(timings.latencies))
    shared.leave()
    return tuple(end - start for start, end in pairwise(ends))


def _run_examples(engine: Engine, arguments: argparse.Namespace, timings: Timings) -> None:
    """Each once; the outputs of all of them go to the files, one after the other."""
    slots = engine.inputs()
    for number in range(arguments.examples):
        for position, slot in enumerate(slots):
            engine.fill(position, from_file(arguments.input[position], slot, arguments.first + number, only=False))
        phase(engine, number + 1, 0.0, arguments.limit_s, timings)
        for position, (_, value) in enumerate(engine.outputs()):
            with file_of(arguments.output_folder, "output", position).open("wb" if number == 0 else "ab") as file:
                file.write(np.ascontiguousarray(value).tobytes())


def from_file(path: Path, slot: Slot, example: int, *, only: bool) -> NDArray[Any]:
    """One example of a file; ValueError where it is not there, or, with `only`, not alone."""
    count = math.prod(slot.shape)
    offset = example * count * np.dtype(slot.dtype).itemsize
    return np.fromfile(path, dtype=slot.dtype, count=-1 if only else count, offset=offset).reshape(slot.shape)


def file_of(folder: Path, stem: str, position: int) -> Path:
    """Of the values of one tensor."""
    return folder / f"{stem}_{position}.bin"


def phase(engine: Engine, runs: int, min_s: float, limit_s: float, timings: Timings) -> float:
    """Invoke until `timings` holds `runs` and `min_s` is over, but begin none after `limit_s`; gives its length."""
    began = time.perf_counter()
    end = began
    while (len(timings.latencies) < runs or end - began < min_s) and end - began < limit_s:
        timings.starts.append(time.monotonic())
        cpu = time.process_time()
        start = time.perf_counter()
        engine.run()
        end = time.perf_counter()
        timings.cpu.append(time.process_time() - cpu)
        timings.latencies.append(end - start)
    return end - began
