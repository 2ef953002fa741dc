"""The runners of LiteRT under the Runner contract, on this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_harness.local import LocalDevice
from device_harness.runners.build import build_litert_bench, find_litert_library
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.litert_bench import LitertBench
from device_harness.runners.platforms import host_platform
from tests.contracts.runners import RunnerContract, TurnsContract


@pytest.fixture
def device() -> Iterator[LocalDevice]:
    with LocalDevice() as here:
        yield here


@pytest.fixture
def model(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    return shared / "models" / "vww_96_int8.tflite"


class TestLitertInProcess(RunnerContract, TurnsContract):
    @pytest.fixture
    def runner(self) -> LitertInProcess:
        return LitertInProcess()


class TestLitertBench(RunnerContract, TurnsContract):
    @pytest.fixture(scope="class")
    def program(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        if shutil.which("cmake") is None or shutil.which("cc") is None:
            pytest.skip("CMake or a C compiler is not installed")
        return build_litert_bench(host_platform(), folder=tmp_path_factory.mktemp("runner"))

    @pytest.fixture
    def runner(self, program: Path, model: Path) -> LitertBench:
        return LitertBench(program, find_litert_library())
