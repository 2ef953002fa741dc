"""Runs a .tflite model with LiteRT's Python interpreter in this process and prints a BenchDocument.

Started as a program in a process of its own (``python -m device_harness.runners.litert_in_process``), so that peak
memory and processor time are those of one model. Light: no TensorFlow, no compiler; needs `ai-edge-litert`.
"""

import argparse
import contextlib
import gc
import hashlib
import importlib.metadata
import os
import platform
import sys
import time
from array import array
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from device_harness.bench_document import (
    Acceleration,
    BenchDocument,
    Clock,
    CpuTime,
    Memory,
    Runner,
    Settings,
    Tensor,
)  # fmt: skip
from device_harness.digests import file_digest
from device_harness.machine import memory_status

VERSION = "1"
MISSING_RUNTIME = 4
BAD_MODEL = 5


class _Timings(NamedTuple):
    """Start times on CLOCK_MONOTONIC, latencies and process times of a phase, in seconds."""

    starts: "array[float]"
    latencies: "array[float]"
    cpu: "array[float]"

    @property
    def size_bytes(self) -> int:
        """What they take, which is not the model's and grows with the length of the run."""
        return sum(part.itemsize * len(part) for part in self)


def main() -> int:
    """Parse the arguments, measure, print one line of JSON."""
    arguments = _parser().parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, arguments.cpus)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError as error:
        print(f"{error}. Install it with: pip install 'mobile-export[litert]'", file=sys.stderr)
        return MISSING_RUNTIME
    try:
        print(_measure(Interpreter, arguments).model_dump_json())
    except (ValueError, RuntimeError) as error:
        print(f"LiteRT refused the model: {error}", file=sys.stderr)
        return BAD_MODEL
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="litert_in_process")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--warmup-runs", type=int, default=5)
    parser.add_argument("--warmup-min-s", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--min-s", type=float, default=0.0)
    parser.add_argument("--limit-s", type=float, default=600.0, help="longest time of each phase")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", type=lambda text: [int(part) for part in text.split(",")], default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", type=Path, action="append", default=[], help="raw bytes of one input, in order")
    parser.add_argument("--input-folder", type=Path, help="where the raw bytes of the inputs go")
    parser.add_argument("--output-folder", type=Path, help="where the raw bytes of the outputs go")
    return parser


def _measure(interpreter_type: Any, arguments: argparse.Namespace) -> BenchDocument:
    _forget_peak()
    before = _resident()
    load_start = time.monotonic()
    interpreter = interpreter_type(model_path=str(arguments.model), num_threads=arguments.threads or None)
    interpreter.allocate_tensors()
    load_s = time.monotonic() - load_start
    peak = after = _resident()
    _fill_inputs(interpreter, arguments)
    inputs = _tensors(interpreter, interpreter.get_input_details(), arguments.input_folder, "input")
    gc.collect()
    gc.disable()
    warmup_start = time.monotonic()
    warmup = _Timings(array("d"), array("d"), array("d"))
    _phase(interpreter, min(1, arguments.warmup_runs), 0.0, arguments.limit_s, warmup)
    # The first inference may take more than the later ones, before times are kept that would hide it.
    peak = max(peak, _peak(warmup))
    _phase(interpreter, arguments.warmup_runs, arguments.warmup_min_s, arguments.limit_s, warmup)
    peak = max(peak, _peak(warmup))
    cpu_start, thread_start, measure_start = time.process_time(), time.thread_time(), time.monotonic()
    measured = _Timings(array("d"), array("d"), array("d"))
    _phase(interpreter, arguments.runs, arguments.min_s, arguments.limit_s, measured)
    measure_end, thread_end, cpu_end = time.monotonic(), time.thread_time(), time.process_time()
    peak = max(peak, _peak(warmup, measured))
    return BenchDocument(
        runner=Runner(
            name="litert_in_process", version=VERSION, runtime=f"LiteRT {importlib.metadata.version('ai-edge-litert')}"
        ),
        model=arguments.model.name,
        model_sha256=file_digest(arguments.model),
        pid=os.getpid(),
        settings=Settings(
            threads=arguments.threads, warmup_runs=arguments.warmup_runs, runs=arguments.runs, min_s=arguments.min_s,
            cpus=tuple(arguments.cpus), input="file" if arguments.input else "random", seed=arguments.seed,
        ),
        clock=Clock(
            name="CLOCK_MONOTONIC", load_start_s=load_start, warmup_start_s=warmup_start,
            measure_start_s=measure_start, measure_end_s=measure_end, boottime_offset_s=_boottime_offset(),
        ),
        load_s=load_s,
        warmup_latencies_s=tuple(warmup.latencies),
        latencies_s=tuple(measured.latencies),
        starts_s=tuple(measured.starts),
        cpu_time=CpuTime(
            process_s=cpu_end - cpu_start, thread_s=thread_end - thread_start, per_inference_s=tuple(measured.cpu)
        ),
        memory=Memory(before_load_bytes=before, after_load_bytes=after, peak_bytes=peak,
                      method="max(VmHWM, max(VmRSS + VmSwap)) less kept times"),
        acceleration=_acceleration(interpreter),
        inputs=tuple(inputs),
        outputs=tuple(_tensors(interpreter, interpreter.get_output_details(), arguments.output_folder, "output")),
        machine={"architecture": platform.machine(), "kernel": platform.release(), "system": platform.system()},
    )  # fmt: skip


def _phase(interpreter: Any, runs: int, min_s: float, limit_s: float, timings: _Timings) -> None:
    """Invoke until `timings` holds `runs` and `min_s` is over, but begin none after `limit_s`."""
    began = time.perf_counter()
    end = began
    while (len(timings.latencies) < runs or end - began < min_s) and end - began < limit_s:
        timings.starts.append(time.monotonic())
        cpu = time.process_time()
        start = time.perf_counter()
        interpreter.invoke()
        end = time.perf_counter()
        timings.cpu.append(time.process_time() - cpu)
        timings.latencies.append(end - start)


def _fill_inputs(interpreter: Any, arguments: argparse.Namespace) -> None:
    details = interpreter.get_input_details()
    if arguments.input and len(arguments.input) != len(details):
        raise ValueError(f"{len(arguments.input)} input files for a model with {len(details)} inputs")
    generator = np.random.default_rng(arguments.seed)
    for position, detail in enumerate(details):
        if arguments.input:
            values = np.fromfile(arguments.input[position], dtype=detail["dtype"]).reshape(detail["shape"])
        else:
            values = random_values(generator, detail["dtype"], tuple(detail["shape"]))
        interpreter.set_tensor(detail["index"], values)


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


def _acceleration(interpreter: Any) -> Acceleration:
    ops = [detail["op_name"] for detail in interpreter._get_ops_details()]
    delegated = "DELEGATE" in ops
    return Acceleration(
        used="cpu",
        fully_accelerated=None,
        registered=("cpu",),
        notes=("XNNPACK delegate applied",) if delegated else ("no delegate: LiteRT's own kernels",),
    )


def _tensors(interpreter: Any, details: list[dict[str, Any]], folder: Path | None, stem: str) -> list[Tensor]:
    """Digests of the tensors' values; the values themselves go to `folder`/`stem`_N.bin."""
    found = []
    for position, detail in enumerate(details):
        values = np.ascontiguousarray(interpreter.get_tensor(detail["index"]))
        data = values.tobytes()
        file = None
        if folder is not None:
            file = folder / f"{stem}_{position}.bin"
            file.write_bytes(data)
        tensor = Tensor(
            name=str(detail["name"]),
            dtype=str(values.dtype),
            shape=values.shape,
            sha256=hashlib.sha256(data).hexdigest(),
            file=str(file) if file else None,
        )
        found.append(tensor)
    return found


def _status() -> dict[str, int]:
    """Memory of this process from ``/proc/self/status``; empty where there is none."""
    path = Path("/proc/self/status")
    if path.exists():
        return memory_status(path.read_text(encoding="utf-8"))
    import resource

    # macOS counts in bytes.
    return {"VmHWM": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def _forget_peak() -> None:
    """Have the peak counted from here on: importing this program's libraries may have taken more than the model does.

    Source: proc(5), ``/proc/PID/clear_refs``. Where it is not allowed the peak is that of the whole process, which
    makes the model's own memory look larger, never smaller.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _boottime_offset() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def _peak(*kept: _Timings) -> int:
    """Highest resident memory so far, without what the kept times take."""
    status = _status()
    highest = max(status.get("VmHWM", 0), status.get("VmRSS", 0) + status.get("VmSwap", 0))
    return max(0, highest - sum(timings.size_bytes for timings in kept))


def _resident() -> int:
    status = _status()
    return status.get("VmRSS", status.get("VmHWM", 0)) + status.get("VmSwap", 0)


if __name__ == "__main__":
    sys.exit(main())
