"""coremltools' own `MLModelBenchmarker`, for where the runner app cannot be signed: on a Mac or a remote device.

Experimental in coremltools 9.0 and on macOS only. It gives raw load and prediction times, timed on the device; no
memory, processor time, thermal state or energy. Its times of single operations are not measured but the prediction
time multiplied with the compute plan's estimated cost, and are labelled so here.
"""

import asyncio
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_harness.errors import CommandFailedError, DeviceError, DeviceNotFoundError, ToolMissingError
from device_harness.protocol import Device
from device_harness.runners.runner import RunRequest

EXPERIMENTAL = "coremltools.models.ml_program.experimental"
PER_OP_NOTE = "estimated: prediction time x MLComputePlan's estimated cost of the operation; not measured"


@dataclass(frozen=True)
class BenchmarkerResult:
    """What the benchmarker gave.

    Attributes:
        load_s: every load.
        latencies_s: every prediction, in order; one warm-up prediction came before and is not among them.
        op_estimates_s: name of an operation -> its estimated times, see `op_note`.
        op_note: how the times of operations came about.
        source: library with version.
    """

    load_s: tuple[float, ...]
    latencies_s: tuple[float, ...]
    op_estimates_s: dict[str, tuple[float, ...]]
    op_note: str
    source: str


@dataclass(frozen=True)
class Library:
    """The parts of coremltools that are used, so that tests can stand in for what exists only on a Mac."""

    version: str
    load_model: Any
    benchmarker: Any
    device: Any
    device_type: Any
    credentials: Any


def load_library() -> Library:
    """Import coremltools and check that it can predict.

    Raises:
        ToolMissingError: not installed, or not on a Mac.
    """
    found = importlib.util.find_spec("coremltools")
    # Looked for before anything is imported: without it the import, which brings TensorFlow, is for nothing.
    folders = (found.submodule_search_locations or ()) if found is not None else ()
    if found is not None and not any(list(Path(one).glob("libcoremlpython*")) for one in folders):
        raise ToolMissingError("coremltools predicts on macOS only: run this on a Mac.")
    try:
        coremltools = importlib.import_module("coremltools")
        remote = importlib.import_module(f"{EXPERIMENTAL}.remote_device")
        perf = importlib.import_module(f"{EXPERIMENTAL}.perf_utils")
    except ImportError as error:
        raise ToolMissingError(
            f"coremltools cannot be used ({error}). Install it: pip install 'mobile-export[export]'"
        ) from error
    return Library(
        version=str(coremltools.__version__),
        load_model=coremltools.models.MLModel,
        benchmarker=perf.MLModelBenchmarker,
        device=remote.Device,
        device_type=remote.DeviceType,
        credentials=remote.AppSigningCredentials,
    )


def benchmark(
    model: Path,
    *,
    loads: int,
    runs: int,
    device: str | None = None,
    team: str | None = None,
    library: Library | None = None,
) -> BenchmarkerResult:
    """Load and run `model` on this Mac, or on the connected device with this UDID or name.

    Raises:
        ToolMissingError: coremltools cannot predict here.
        DeviceNotFoundError: coremltools sees no such device: it needs a tunnel that is up (unlock it, open Xcode's
            Devices window).
        CommandFailedError: coremltools failed.
    """
    parts = library or load_library()
    try:
        return asyncio.run(_benchmark(parts, model, loads, runs, device, team))
    except DeviceError:
        raise
    except Exception as error:
        raise CommandFailedError(
            f"coremltools' benchmarker failed on {device or 'this Mac'}: {error}", serial=device
        ) from error


async def _benchmark(
    parts: Library, model: Path, loads: int, runs: int, device: str | None, team: str | None
) -> BenchmarkerResult:
    where = await _remote(parts, device, team) if device else None
    benchmarker = parts.benchmarker(parts.load_model(str(model)), where)
    loading = await benchmarker.benchmark_load(loads)
    predicting = await benchmarker.benchmark_predict(iterations=runs, warmup=True)
    operations = await benchmarker.benchmark_operation_execution(iterations=runs, warmup=True)
    return BenchmarkerResult(
        load_s=_seconds(loading),
        latencies_s=_seconds(predicting),
        op_estimates_s={
            info.spec.outputs[0].name: _seconds(info.measurement)
            for info in operations
            if info.spec.outputs and info.measurement.samples
        },
        op_note=PER_OP_NOTE,
        source=f"coremltools {parts.version} MLModelBenchmarker",
    )


async def _remote(parts: Library, device: str, team: str | None) -> Any:
    kinds = (parts.device_type.IPHONE, parts.device_type.IPAD)
    for candidate in (one for kind in kinds for one in parts.device.get_connected_devices(kind)):
        if device in (candidate.udid, candidate.name, candidate.identifier):
            return await candidate.prepare_for_model_debugging(
                credentials=parts.credentials(development_team=team or "")
            )
    raise DeviceNotFoundError(
        f"coremltools sees no connected device {device}: it takes only those with a tunnel that is up. "
        "Unlock it and open Xcode's Devices and Simulators window, then try again.",
        serial=device,
    )


def _seconds(measurement: Any) -> tuple[float, ...]:
    return tuple(sample / 1e3 for sample in measurement.samples)


class CoremltoolsBenchmarker:
    """Implements `Runner`: the library loads and runs the model on this Mac or a connected device, one load a process.

    It lets Core ML use all compute units, and makes one warm-up prediction, whatever is asked for.
    """

    name = "coremltools"

    def __init__(self, team: str | None = None, library: Library | None = None) -> None:
        self._team, self._library = team, library

    def prepare(self, device: Device) -> None:
        """Nothing: the library brings its own app."""

    def place(self, device: Device, model: Path, name: str) -> str:
        """The library sends the model itself."""
        del device, name
        return str(model)

    def run(self, device: Device, request: RunRequest) -> BenchmarkerResult:
        """See `Runner.run`."""
        remote = None if device.can.shell is not None else device.serial
        return benchmark(
            Path(request.model), loads=1, runs=request.runs, device=remote, team=self._team, library=self._library
        )
