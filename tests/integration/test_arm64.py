"""The arm64 build under qemu-user: the same outputs as x86. An emulator: right for values, meaningless for latency."""

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

import pytest

from device_harness.local import LocalDevice
from device_harness.runners.bench_document import parse_bench_document
from device_harness.runners.build import build_litert_bench
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.platforms import Platform, host_platform
from device_harness.runners.prebuilt import prebuilt_program
from profilers.outputs import compare_output
from profilers.stages.outputs import make_reference, read_tensor
from tests.fakes.adbd import PROJECT, UnavailableError, debian_root

pytestmark = pytest.mark.slow
LITERT = "ai-edge-litert"
# Integer kernels round alike but for the last bit; float kernels add in another order.
LEAST_SNR_DB = {"vww_96_int8": 25.0, "resnet8_cifar10_float": 80.0}


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs an arm64 program here: litert_bench with the aarch64 wheel's library."""
    if host_platform().architecture == "arm64":
        pytest.skip("this machine is arm64 itself: the other tests run these kernels")
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None or shutil.which("aarch64-linux-gnu-gcc") is None:
        pytest.skip("qemu-user-static or gcc-aarch64-linux-gnu is not installed")
    try:
        root = debian_root("arm64", "libc6", "libstdc++6", "zlib1g")
    except UnavailableError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("arm64")
    wanted = f"{LITERT}=={importlib.metadata.version(LITERT)}"
    machine = ["--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.12", "--only-binary", ":all:"]
    uv, target = str(PROJECT / "tools" / "uv"), str(folder)
    command = [uv, "pip", "install", "--quiet", "--no-deps", *machine, "--target", target, wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"the aarch64 wheel of {wanted} cannot be had: {done.stderr.strip()[-200:]}")
    library = str(folder / "ai_edge_litert" / "libLiteRt.so")
    arm64_linux = Platform("linux", "arm64")
    bench = prebuilt_program(arm64_linux).program or build_litert_bench(arm64_linux, folder=folder)
    return [qemu, "-L", str(root), str(bench), "--litert-library", library]


@pytest.mark.parametrize("name", LEAST_SNR_DB)
def test_same_outputs_as_x86(arm64: list[str], shared: Path, tmp_path: Path, name: str) -> None:
    """Fed with the same bytes, ARM's kernels give what x86's give, within the stated ratio."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    model = shared / "models" / f"{name}.tflite"
    here, there = tmp_path / "x86", tmp_path / "arm64"
    here.mkdir()
    there.mkdir()
    with LocalDevice() as device:
        reference = make_reference(device, LitertInProcess(), model, here, seed=1).document
    command = [*arm64, "--model", str(model), "--runs", "1", "--warmup-runs", "0", "--output-folder", str(there)]
    for tensor in reference.inputs:
        command += ["--input", f"{tensor.name}={tensor.file}"]
    done = subprocess.run(command, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    document = parse_bench_document(done.stdout, "litert_bench under qemu")
    assert document.machine["architecture"] == "aarch64"
    outputs = [
        [read_tensor(tensor, Path(tensor.file or "")) for tensor in item.outputs] for item in (reference, document)
    ]
    differences = [compare_output("x", ours, theirs) for ours, theirs in zip(*outputs, strict=True)]
    assert all((one.snr_db or 0) >= LEAST_SNR_DB[name] for one in differences)
