"""BenchDocument: the one JSON document that every runner of this project prints (litert_bench, in-process, Swift).

`bench_document.schema.json` beside this file is generated from these types
(`python -m device_harness.runners.bench_document`); a test fails when it is stale. Fields are only added as optional
ones; anything else takes a new `schema_version`.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from device_harness.errors import UnreadableOutputError
from device_harness.frozen import Frozen
from device_harness.versions import SchemaVersionError, schema_version
from device_harness.words import printable_values

SCHEMA_VERSION: Literal[1] = 1
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Accelerator = Literal["cpu", "gpu", "npu", "all", "cpu_and_gpu", "cpu_and_ne"]


class Runner(Frozen):
    """Who measured.

    Attributes:
        name: ``litert_bench``, ``litert_in_process`` or ``coreml_bench``.
        version: of the runner.
        runtime: what executed the model, with version: ``LiteRT 2.1.0``, ``Core ML (iOS 18.1)``.
    """

    name: str
    version: str
    runtime: str


class Settings(Frozen):
    """What was asked for.

    Attributes:
        accelerator: the unit asked for; the ``all`` and ``cpu_and_...`` names are Core ML's.
        threads: CPU threads; 0 leaves it to the runtime.
        warmup_runs: least number of warm-up inferences.
        runs: least number of measured inferences.
        min_s: least time of the measured phase: inferences go on until both are reached.
        cpus: logical CPUs that the process was bound to; empty when it was not.
        input: ``random``, ``zeros`` or ``file``.
        seed: of random inputs.
        signature: of the model; None is its first.
        input_shapes: by input, where they are not the file's own.
    """

    accelerator: Accelerator = "cpu"
    threads: Annotated[int, Field(ge=0)] = 0
    warmup_runs: Annotated[int, Field(ge=0)]
    runs: Annotated[int, Field(ge=1)]
    min_s: Seconds = 0.0
    cpus: tuple[int, ...] = ()
    input: Literal["random", "zeros", "file"] = "random"
    seed: int = 0
    signature: str | None = None
    input_shapes: dict[str, tuple[int, ...]] = {}


class Clock(Frozen):
    """Times of the device's monotonic clock, for aligning what was sampled meanwhile.

    Attributes:
        name: ``CLOCK_MONOTONIC`` or ``mach_continuous_time``.
        load_start_s: before the model was loaded.
        warmup_start_s: before the first inference.
        measure_start_s: before the first measured inference.
        measure_end_s: after the last one.
        boottime_offset_s: CLOCK_BOOTTIME minus this clock (time spent asleep); rails and /proc/uptime count in it.
    """

    name: str
    load_start_s: Seconds
    warmup_start_s: Seconds
    measure_start_s: Seconds
    measure_end_s: Seconds
    boottime_offset_s: float = 0.0


class CpuTime(Frozen):
    """Processor time of the measured phase.

    Attributes:
        process_s: user and system time of all threads of the process.
        thread_s: of the thread that called the model; None where the system does not tell.
        per_inference_s: process time of each measured inference, in the order of `latencies_s`; may be empty.
    """

    process_s: Seconds
    thread_s: Seconds | None = None
    per_inference_s: tuple[Seconds, ...] = ()


class Memory(Frozen):
    """Memory of the process.

    Attributes:
        before_load_bytes: resident before the model was loaded.
        after_load_bytes: resident after it was loaded.
        peak_bytes: max(VmHWM, max(VmRSS + VmSwap)) on Linux and Android, without the times that the runner keeps; peak
            ``phys_footprint`` on Apple systems.
        method: which of these.
    """

    before_load_bytes: Bytes | None = None
    after_load_bytes: Bytes | None = None
    peak_bytes: Bytes
    method: str


class Loads(Frozen):
    """Parts of the time from file to ready, and how fresh the file was; None where the runner does not tell.

    Attributes:
        compile_s: in which the runtime prepared the model for its unit, a part of `load_s`. Core ML: compilation on the
            device, which apps do before they are shipped.
        cold_s: time of a load that no earlier one could speed up. Linux and Android: all of `load_s`, with no page of
            the file in the page cache. Core ML: the first load of a model that was compiled just now.
        warm_s: of a load right after another. Linux and Android: all of `load_s`, with the whole file in the page
            cache. Core ML: a second load of the same compiled model, after everything was measured.
        in_page_cache: part of the file's pages, in [0, 1], that lay in the page cache before it was loaded.
    """

    compile_s: Seconds | None = None
    cold_s: Seconds | None = None
    warm_s: Seconds | None = None
    in_page_cache: Annotated[float, Field(ge=0, le=1)] | None = None


class Acceleration(Frozen):
    """What the model ran on, as far as the runtime tells.

    Attributes:
        used: ``cpu``, ``gpu``, ``npu``, ``mixed``, or ``unknown`` when the runtime does not tell.
        fully_accelerated: whether every op was taken by the accelerator asked for; None when not told.
        registered: accelerators that the runtime had to choose from.
        notes: what the runtime said about delegates.
    """

    used: Literal["cpu", "gpu", "npu", "mixed", "unknown"]
    fully_accelerated: bool | None = None
    registered: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Tensor(Frozen):
    """One input tensor, or one output tensor after the last inference.

    Attributes:
        name: of the tensor, or its position where it has no name.
        dtype: numpy's name: ``float32``, ``int8`` ...
        shape: dimensions.
        sha256: digest of its bytes (little endian, row-major).
        file: where the bytes lie on the device; None when not asked for.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    file: str | None = None


class Placement(Frozen):
    """Where one operator runs by the runtime's own plan.

    Attributes:
        op: name of the operator or of its output.
        type: operator type.
        device: ``cpu``, ``gpu``, ``ane``, ``npu`` or ``unknown``.
        supported: the devices that could run it.
        cost: share, in [0, 1], of the estimated cost of the model; None when not told.
    """

    op: str
    type: str
    device: Literal["cpu", "gpu", "ane", "npu", "unknown"]
    supported: tuple[str, ...] = ()
    cost: Annotated[float, Field(ge=0, le=1)] | None = None


class ThermalState(Frozen):
    """The system's own thermal state at a time of `Clock.name`: 0 nominal, 1 fair, 2 serious, 3 critical."""

    at_s: Seconds
    state: Annotated[int, Field(ge=0)]


class Battery(Frozen):
    """The battery at a time of `Clock.name`.

    Attributes:
        level: charge in [0, 1]; None when not told.
        state: ``unplugged``, ``charging``, ``full`` or ``unknown``.
        low_power_mode: whether the system saves power.
    """

    at_s: Seconds
    level: Annotated[float, Field(ge=0, le=1)] | None = None
    state: Literal["unplugged", "charging", "full", "unknown"] = "unknown"
    low_power_mode: bool | None = None


class BenchDocument(Frozen):
    """One process that loaded a model and ran it.

    Attributes:
        model: file name of the model.
        model_sha256: digest of its content, where the runner made one.
        pid: of the process on the device.
        load_s: time from file to ready, compilation included.
        loads: its parts.
        warmup_latencies_s: every warm-up inference; the first one is the cold one.
        latencies_s: every measured inference, in order.
        starts_s: when each measured inference began, on `clock`; may be empty.
        turns: number of measured inferences of each turn, where processes took turns; else empty.
        operators: the runtime's own table of the times of operators, where it was asked for.
        machine: facts of the system that the runner saw (architecture, kernel, model identifier).
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    runner: Runner
    model: str
    model_sha256: str | None = None
    pid: int
    settings: Settings
    clock: Clock
    load_s: Seconds
    loads: Loads | None = None
    warmup_latencies_s: tuple[Seconds, ...]
    latencies_s: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    starts_s: tuple[Seconds, ...] = ()
    turns: tuple[Annotated[int, Field(ge=1)], ...] = ()
    cpu_time: CpuTime
    memory: Memory
    acceleration: Acceleration
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    placement: tuple[Placement, ...] = ()
    operators: str | None = None
    thermal: tuple[ThermalState, ...] = ()
    battery: tuple[Battery, ...] = ()
    machine: dict[str, str] = {}


def parse_bench_document(data: bytes, where: str) -> BenchDocument:
    """The document in `data`, which may have other lines before and after it.

    Args:
        data: what the runner printed; the document is one line that begins with ``{"schema_version"``.
        where: the runner and device, for the message.

    Raises:
        UnreadableOutputError: no document, a damaged one, or one of a newer version.
    """
    lines = [line for line in data.replace(b"\0", b"").splitlines() if line.startswith(b'{"schema_version"')]
    if len(lines) != 1:
        raise UnreadableOutputError(
            f"{where} printed {len(lines)} documents instead of one. Run it by hand to see why."
        )
    try:
        content: Any = printable_values(json.loads(lines[0]))
    except (ValueError, RecursionError) as error:
        raise UnreadableOutputError(f"{where} printed a document that is cut off or damaged: {error}.") from error
    try:
        schema_version(content, SCHEMA_VERSION)
        return BenchDocument.model_validate(content)
    except SchemaVersionError as error:
        words = f"{where} printed a document that {error}. Use the runner of this release."
        raise UnreadableOutputError(words) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableOutputError(f"{where} printed a document with an error at {place}: {first['msg']}.") from error


def schema_text() -> str:
    """The JSON Schema of the document, as the file beside this module holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **BenchDocument.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("bench_document.schema.json").write_text(schema_text(), encoding="utf-8")
