"""coremltools' benchmarker: raw samples kept, its times of operations labelled estimates."""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from device_harness.errors import CommandFailedError, DeviceNotFoundError, ToolMissingError
from device_harness.local import LocalDevice
from device_harness.protocol import Capabilities
from device_harness.runners.coremltools_benchmarker import CoremltoolsBenchmarker, Library, benchmark, load_library


class Benchmarker:
    """Has the methods of coremltools 9.0's `MLModelBenchmarker`, with times in milliseconds."""

    devices: ClassVar[list[Any]] = []

    def __init__(self, model: str, device: Any) -> None:
        self.devices.append(device)
        self.model = model

    async def benchmark_load(self, iterations: int = 1) -> Any:
        return SimpleNamespace(samples=[100.0] * iterations)

    async def benchmark_predict(self, inputs: Any = None, iterations: int = 1, warmup: bool = False) -> Any:
        assert warmup
        if "bad" in self.model:
            raise RuntimeError("Error in declaring network.")
        return SimpleNamespace(samples=[2.0 + i for i in range(iterations)])

    async def benchmark_operation_execution(self, inputs: Any = None, iterations: int = 1, warmup: bool = False) -> Any:
        spec = SimpleNamespace(outputs=[SimpleNamespace(name="conv_0")])
        without = SimpleNamespace(outputs=[SimpleNamespace(name="const")])
        return [
            SimpleNamespace(spec=spec, measurement=SimpleNamespace(samples=[1.0])),
            SimpleNamespace(spec=without, measurement=SimpleNamespace(samples=[])),
        ]


class Phone:
    udid, name, identifier = "UDID", "Ready phone", "ID"

    async def prepare_for_model_debugging(self, credentials: str) -> str:
        await asyncio.sleep(0)
        return f"prepared with team {credentials}"


LIBRARY = Library(
    version="9.0",
    load_model=str,
    benchmarker=Benchmarker,
    device=SimpleNamespace(get_connected_devices=lambda kind: [Phone()] if kind == "iphone" else []),
    device_type=SimpleNamespace(IPHONE="iphone", IPAD="ipad"),
    credentials=lambda development_team: development_team,
)


def test_raw_samples_and_labelled_estimates() -> None:
    result = benchmark(Path("m.mlpackage"), loads=2, runs=3, library=LIBRARY)
    assert result.load_s == (0.1, 0.1)
    assert result.latencies_s == (0.002, 0.003, 0.004)
    assert result.op_estimates_s == {"conv_0": (0.001,)}
    assert result.op_note.startswith("estimated")
    assert Benchmarker.devices[-1] is None


def test_a_remote_device_is_prepared_with_the_team() -> None:
    benchmark(Path("m.mlpackage"), loads=1, runs=1, device="UDID", team="ABCDE12345", library=LIBRARY)
    assert Benchmarker.devices[-1] == "prepared with team ABCDE12345"
    with pytest.raises(DeviceNotFoundError, match="tunnel"):
        benchmark(Path("m.mlpackage"), loads=1, runs=1, device="OTHER", library=LIBRARY)


def test_what_coremltools_says_is_passed_on() -> None:
    with pytest.raises(CommandFailedError, match="declaring network"):
        benchmark(Path("bad.mlpackage"), loads=1, runs=1, library=LIBRARY)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac predicts")
def test_without_a_mac_it_is_told() -> None:
    """The installed coremltools has no library to predict with; nothing of it is imported to see that."""
    if find_spec("coremltools") is None:
        pytest.skip("coremltools is not installed")
    with pytest.raises(ToolMissingError, match="on macOS only"):
        load_library()


@pytest.mark.slow
def test_the_stand_in_has_coremltools_own_signatures() -> None:
    """Methods and parameters that are used exist in the installed coremltools."""
    import inspect

    from exporter.formats.coreml.coremltools import load_coremltools

    load_coremltools()  # as the program does it: coremltools would bring TensorFlow, beside which torch crashes
    perf = pytest.importorskip("coremltools.models.ml_program.experimental.perf_utils")
    remote = pytest.importorskip("coremltools.models.ml_program.experimental.remote_device")
    for name in ("benchmark_load", "benchmark_predict", "benchmark_operation_execution"):
        real = inspect.signature(getattr(perf.MLModelBenchmarker, name)).parameters
        assert list(real) == list(inspect.signature(getattr(Benchmarker, name)).parameters)
    assert "development_team" in inspect.signature(remote.AppSigningCredentials).parameters
    assert "credentials" in inspect.signature(remote.Device.prepare_for_model_debugging).parameters


def test_readings_of_it(tmp_path: Path) -> None:
    """Estimates are marked, what it does not measure is unavailable, and units that were not used are told."""
    from profilers.bench import Bench
    from profilers.plan import ProfilePlan
    from profilers.readers.benchmarker import BenchmarkerReader
    from profilers.readings import Obtained
    from profilers.session import profile_models
    from tests.fakes.session import FakeDevice

    model = tmp_path / "m.mlmodel"
    model.write_bytes(b"x")
    bench = Bench(CoremltoolsBenchmarker(library=LIBRARY), BenchmarkerReader("cpu"))
    mac = FakeDevice(Capabilities(shell=LocalDevice()), serial="mac", kind="mac")
    (result,) = profile_models(mac, [model], ProfilePlan.desk_check(runs=3, processes=2), bench)  # type: ignore[arg-type]
    readings = {reading.metric: reading for reading in result.readings}
    assert readings["latency"].samples == (0.002, 0.003, 0.004) * 2
    assert readings["latency"].groups == (3, 3)
    assert readings["op_time.conv_0"].obtained is Obtained.ESTIMATED
    assert readings["memory.peak"].obtained is Obtained.UNAVAILABLE
    assert readings["latency"].conditions["ran_on"] == "unknown"
    assert "cpu was asked for" in result.warnings[0]
