"""Measures an engine in this process and prints a BenchDocument.

A program of a process of its own calls `measured_main` with its engine, so that peak memory and processor time are
those of one model.
"""

import argparse
import gc
import hashlib
import os
import platform
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_harness.digests import file_digest
from device_harness.machine import forget_peak, peak_bytes, resident_bytes
from device_harness.page_cache import drop_from_page_cache, share_in_page_cache
from device_harness.runners.bench_document import (
    BenchDocument,
    Clock,
    CpuTime,
    Loads,
    Memory,
    Runner,
    Settings,
    Tensor,
)
from device_harness.runners.phases import (
    Asked,
    Engine,
    Start,
    Timings,
    file_of,
    from_file,
    measured_phase,
    phase,
    wait_limit_s,
)
from device_harness.runners.turns import Alone, SharedTurns, Turns

MISSING_RUNTIME = 4
BAD_MODEL = 5


Runtime = Callable[[], Start]
"""Imports the runtime, before anything is measured; ModuleNotFoundError where it is not installed."""


def measured_main(name: str, version: str, runtime: Runtime, extra: str) -> int:
    """Parse the arguments, measure, print one line of JSON.

    Args:
        name: of the program.
        version: of the program.
        runtime: gives what loads the model.
        extra: of this distribution, that installs the runtime.
    """
    arguments = _parser(name).parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, arguments.cpus)
    try:
        print(_measure(name, version, runtime(), arguments).model_dump_json())
    except ModuleNotFoundError as error:
        print(f"{error}. Install it with: pip install 'mobile-export[{extra}]'", file=sys.stderr)
        return MISSING_RUNTIME
    except (ValueError, RuntimeError) as error:
        print(f"{name} refused the model: {error}", file=sys.stderr)
        return BAD_MODEL
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--warmup-runs", type=int, default=5)
    parser.add_argument("--warmup-min-s", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--min-s", type=float, default=0.0)
    parser.add_argument("--limit-s", type=float, default=600.0, help="longest time of each phase")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", type=lambda text: [int(part) for part in text.split(",")], default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cold", action="store_true", help="put the model out of the page cache before it is loaded")
    parser.add_argument("--signature", help="of the model; default: its first")
    parser.add_argument("--input-shape", type=_shape, action="append", default=[], help="NAME=1,224,224,3")
    parser.add_argument("--input", type=Path, action="append", default=[], help="raw bytes of one input, in order")
    parser.add_argument("--input-folder", type=Path, help="where the raw bytes of the inputs go")
    parser.add_argument("--output-folder", type=Path, help="where the raw bytes of the outputs go")
    parser.add_argument("--first", type=int, default=0, help="of the examples in the files of --input")
    parser.add_argument("--examples", type=int, default=0, help="run so many of them, once each")
    parser.add_argument("--turns", type=Turns.parse, help="NUMBER,COUNT,SLICE_S,FILE; see turns.py")
    return parser


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, sizes = text.rpartition("=")
    return name, tuple(int(size) for size in sizes.split(","))


def _loads(engine: Engine, load_s: float, in_page_cache: float | None) -> Loads:
    return Loads(
        compile_s=engine.compile_s,
        cold_s=load_s if in_page_cache == 0 else None,
        warm_s=load_s if in_page_cache == 1 else None,
        in_page_cache=in_page_cache,
    )


def _measure(name: str, version: str, start: Start, arguments: argparse.Namespace) -> BenchDocument:
    asked = Asked(arguments.threads, arguments.signature, dict(arguments.input_shape))
    shared = SharedTurns(arguments.turns, wait_limit_s(arguments)) if arguments.turns else Alone()
    shared.wait()
    if arguments.cold:
        drop_from_page_cache(arguments.model)
    in_page_cache = share_in_page_cache(arguments.model)
    forget_peak()
    before = resident_bytes()
    load_start = time.monotonic()
    engine = start(arguments.model, asked)
    load_s = time.monotonic() - load_start
    peak = after = resident_bytes()
    inputs = _tensors(_fill_inputs(engine, arguments), arguments.input_folder, "input")
    gc.collect()
    gc.disable()
    warmup_start = time.monotonic()
    warmup = Timings(array("d"), array("d"), array("d"))
    phase(engine, min(1, arguments.warmup_runs), 0.0, arguments.limit_s, warmup)
    # The first inference may take more than the later ones, before times are kept that would hide it.
    peak = max(peak, _peak(warmup))
    phase(engine, arguments.warmup_runs, arguments.warmup_min_s, arguments.limit_s, warmup)
    peak = max(peak, _peak(warmup))
    cpu_start, thread_start, measure_start = time.process_time(), time.thread_time(), time.monotonic()
    measured = Timings(array("d"), array("d"), array("d"))
    turns = measured_phase(engine, arguments, shared, measured)
    measure_end, thread_end, cpu_end = time.monotonic(), time.thread_time(), time.process_time()
    peak = max(peak, _peak(warmup, measured))
    return BenchDocument(
        runner=Runner(name=name, version=version, runtime=engine.runtime),
        model=arguments.model.name,
        model_sha256=file_digest(arguments.model),
        pid=os.getpid(),
        settings=_settings(arguments),
        clock=Clock(
            name="CLOCK_MONOTONIC",
            load_start_s=load_start,
            warmup_start_s=warmup_start,
            measure_start_s=measure_start,
            measure_end_s=measure_end,
            boottime_offset_s=_boottime_offset(),
        ),
        load_s=load_s,
        loads=_loads(engine, load_s, in_page_cache),
        warmup_latencies_s=tuple(warmup.latencies),
        latencies_s=tuple(measured.latencies),
        starts_s=tuple(measured.starts),
        turns=turns,
        cpu_time=CpuTime(
            process_s=cpu_end - cpu_start, thread_s=thread_end - thread_start, per_inference_s=tuple(measured.cpu)
        ),
        memory=Memory(
            before_load_bytes=before,
            after_load_bytes=after,
            peak_bytes=peak,
            method="max(VmHWM, max(VmRSS + VmSwap)) less kept times",
        ),
        acceleration=engine.acceleration(),
        inputs=tuple(inputs),
        outputs=tuple(_tensors(engine.outputs(), arguments.output_folder, "output", write=not arguments.examples)),
        machine={"architecture": platform.machine(), "kernel": platform.release(), "system": platform.system()},
    )


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        threads=arguments.threads,
        warmup_runs=arguments.warmup_runs,
        runs=arguments.runs,
        min_s=arguments.min_s,
        cpus=tuple(arguments.cpus),
        input="file" if arguments.input else "random",
        seed=arguments.seed,
        signature=arguments.signature,
        input_shapes=dict(arguments.input_shape),
    )


def _fill_inputs(engine: Engine, arguments: argparse.Namespace) -> list[tuple[str, NDArray[Any]]]:
    slots = engine.inputs()
    if arguments.input and len(arguments.input) != len(slots):
        raise ValueError(f"{len(arguments.input)} input files for a model with {len(slots)} inputs")
    generator = np.random.default_rng(arguments.seed)
    given = []
    for position, slot in enumerate(slots):
        if arguments.input:
            path, only = arguments.input[position], not arguments.examples
            values = from_file(path, slot, arguments.first, only=only)
        else:
            values = random_values(generator, slot.dtype, slot.shape)
        engine.fill(position, values)
        given.append((slot.name, values))
    return given


def random_values(generator: np.random.Generator, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Values over the whole range of an integer type, in [-1, 1) of a float type, or booleans."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return generator.uniform(-1, 1, shape).astype(kind)
    if kind.kind == "b":
        return generator.integers(0, 2, shape).astype(kind)
    if kind.kind not in "iu":
        raise ValueError(f"inputs of type {kind} cannot be filled: give them with --input")
    # Wide integers are indices nearly always: keep them small enough for any table.
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max + 1) if kind.itemsize <= 2 else (0, 2)
    return generator.integers(low, high, shape).astype(kind)


def _tensors(
    values: Sequence[tuple[str, NDArray[Any]]], folder: Path | None, stem: str, *, write: bool = True
) -> list[Tensor]:
    """Digests of tensors' values; the values themselves go to `folder`/`stem`_N.bin, or are there."""
    found = []
    for position, (name, value) in enumerate(values):
        data = np.ascontiguousarray(value).tobytes()
        file = None if folder is None else file_of(folder, stem, position)
        if file is not None and write:
            file.write_bytes(data)
        tensor = Tensor(
            name=name,
            dtype=str(value.dtype),
            shape=value.shape,
            sha256=hashlib.sha256(data).hexdigest(),
            file=str(file) if file else None,
        )
        found.append(tensor)
    return found


def _boottime_offset() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def _peak(*kept: Timings) -> int:
    """Highest resident memory so far, without what the kept times take."""
    return max(0, peak_bytes() - sum(timings.size_bytes for timings in kept))
