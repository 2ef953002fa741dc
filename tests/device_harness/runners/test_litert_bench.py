"""The native runner: its parts under sanitizers, its failures, and the same outputs as Python's LiteRT."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from device_harness.local import LocalDevice
from device_harness.runners.bench_document import parse_bench_document, schema_text
from device_harness.runners.build import build_litert_bench, find_litert_library
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.platforms import SOURCES, host_platform
from profilers.stages.outputs import make_reference

pytestmark = [
    pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed"),
]


@pytest.fixture(scope="session")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a build under AddressSanitizer and UBSan, with the stand-in for libLiteRt.so."""
    folder = tmp_path_factory.mktemp("sanitized")
    options = ["-DLITERT_BENCH_TESTS=ON", "-DLITERT_BENCH_SANITIZE=ON"]
    for arguments in (["-S", str(SOURCES), "-B", str(folder), *options], ["--build", str(folder)]):
        subprocess.run(["cmake", *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as users get it."""
    return build_litert_bench(host_platform(), folder=tmp_path_factory.mktemp("runners"))


def run_fake(folder: Path, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[bytes]:
    command = [str(folder / "litert_bench"), "--litert-library", str(folder / "libfake_litert.so"), *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, "FAKE_LITERT": fault}, timeout=60)


def test_parts_hold_under_sanitizers(sanitized: Path) -> None:
    """JSON escaping, SHA-256, /proc parsing, arguments, the measuring loop."""
    done = subprocess.run([sanitized / "unit_tests"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_document_of_a_run_under_sanitizers(sanitized: Path) -> None:
    """Every sample is there, in the schema that all runners share, and a name with a quote stays one."""
    done = run_fake(sanitized, "--model", "m", "--runs", "7", "--warmup-runs", "3", "--digest")
    assert done.returncode == 0, done.stderr
    document = parse_bench_document(done.stdout, "litert_bench")
    jsonschema.validate(json.loads(done.stdout), json.loads(schema_text()))
    assert (len(document.warmup_latencies_s), len(document.latencies_s)) == (3, 7)
    assert document.outputs[0].name == 'x "\ufffd'
    assert document.outputs[0].shape == (1, 4)


FAULTS = [
    "CreateEnvironment",
    "CreateModelFromFile",
    "CreateOptions",
    "SetOptionsHardwareAccelerators",
    "CreateCompiledModel",
    "GetModelSignature",
    "many",
    "string",
    "GetSignatureOutputTensorByIndex",
    "CreateManagedTensorBufferFromRequirements",
    "LockTensorBuffer",
    "RunCompiledModel",
    "CompiledModelResizeInputTensor",
    "SetRuntimeOptionsEnableProfiling",
    "CompiledModelGetProfiler",
    "GetProfileSummary",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_is_told_and_frees_all(sanitized: Path, fault: str) -> None:
    """LeakSanitizer and the exit code: 3 with one line, no document, never 0."""
    asked = ["--op-profile", "--input-shape", 'x "\udcff=2,4']
    done = run_fake(sanitized, "--model", "m", "--runs", "2", *asked, fault=fault)
    assert done.returncode == 3, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith(b"litert_bench: ")
    assert done.stderr.count(b"\n") == 1


def test_input_files_must_fit(sanitized: Path, tmp_path: Path) -> None:
    """A file of another size would be silently cut or padded."""
    for size, code in ((15, 3), (16, 0), (17, 3)):
        file = tmp_path / "input.bin"
        file.write_bytes(b"\0" * size)
        done = run_fake(sanitized, "--model", "m", "--runs", "1", "--input", f'x "\udcff={file}')
        assert done.returncode == code, done.stderr
    assert run_fake(sanitized, "--model", "m", "--input", f"other={tmp_path / 'input.bin'}").returncode == 3


@pytest.mark.parametrize(("accelerator", "waits"), [("cpu", False), ("gpu", True), ("npu", True)])
def test_an_accelerator_s_inference_lasts_until_its_outputs_can_be_read(
    sanitized: Path, accelerator: str, waits: bool
) -> None:
    """What a GPU has only been given to do is no inference: without its outputs it seems a thousand times faster."""
    done = run_fake(sanitized, "--model", "m", "--runs", "3", "--accelerator", accelerator, fault="late")
    assert done.returncode == 0, done.stderr
    assert (min(parse_bench_document(done.stdout, "x").latencies_s) >= 0.005) is waits


def test_a_signature_is_found_by_its_name(sanitized: Path) -> None:
    """And its outputs are those that are described."""
    done = run_fake(sanitized, "--model", "m", "--runs", "1", "--digest", "--signature", "other")
    assert parse_bench_document(done.stdout, "x").outputs[0].shape == (1, 5)
    unknown = run_fake(sanitized, "--model", "m", "--signature", "none")
    assert (unknown.returncode, unknown.stderr) == (3, b"litert_bench: the model has no signature none\n")


def test_inputs_take_the_shape_that_is_asked_for(sanitized: Path, tmp_path: Path) -> None:
    """Buffers and files follow; a name or a rank that is none is told."""
    file = tmp_path / "input.bin"
    file.write_bytes(b"\0" * 48)
    asked = ["--model", "m", "--runs", "1", "--digest", "--input-shape", 'x "\udcff=3,4']
    done = run_fake(sanitized, *asked, "--input", f'x "\udcff={file}')
    assert done.returncode == 0, done.stderr
    assert parse_bench_document(done.stdout, "x").outputs[0].shape == (3, 4)
    for wrong in ("y=3,4", 'x "\udcff=3'):
        assert run_fake(sanitized, "--model", "m", "--input-shape", wrong).returncode == 3
    for wrong in ("x", "x=", "x=1,,2", "x=0,1", "x=1,2,3,4,5,6,7,8,9"):
        assert run_fake(sanitized, "--model", "m", "--input-shape", wrong).returncode == 2


def test_operators_are_told_where_they_are_asked_for(sanitized: Path) -> None:
    """In a run of its own: it takes time."""
    done = run_fake(sanitized, "--model", "m", "--runs", "2", "--op-profile")
    assert "Delegate/Copy" in (parse_bench_document(done.stdout, "x").operators or "")
    assert parse_bench_document(run_fake(sanitized, "--model", "m", "--runs", "2").stdout, "x").operators is None


def test_loads_tell_how_fresh_the_file_is(sanitized: Path, tmp_path: Path) -> None:
    """Just written, it is in the page cache; a file that is not there is neither."""
    model = tmp_path / "m.tflite"
    model.write_bytes(b"x" * 10_000)
    loads = parse_bench_document(run_fake(sanitized, "--model", str(model)).stdout, "x").loads
    assert loads is not None
    assert (loads.in_page_cache, loads.cold_s is None, loads.warm_s is None) == (1, True, False)
    cold = parse_bench_document(run_fake(sanitized, "--model", str(model), "--cold").stdout, "x").loads
    assert cold is not None
    assert (cold.cold_s is None) == (cold.in_page_cache != 0)
    unknown = parse_bench_document(run_fake(sanitized, "--model", "m").stdout, "x").loads
    assert unknown is not None
    assert (unknown.in_page_cache, unknown.cold_s, unknown.warm_s) == (None, None, None)


def test_wrong_arguments_are_told(sanitized: Path) -> None:
    """Exit code 2, no run."""
    assert run_fake(sanitized, "--model", "m", "--runs", "0").returncode == 2


def test_time_bounds_the_phase(sanitized: Path) -> None:
    """`--limit-s` ends a phase of a slow model; `--min-s` goes on beyond `--runs`."""
    limited = run_fake(sanitized, "--model", "m", "--runs", "1000000", "--limit-s", "0.1", fault="slow")
    assert 1 <= len(parse_bench_document(limited.stdout, "x").latencies_s) < 100
    longer = run_fake(sanitized, "--model", "m", "--runs", "1", "--min-s", "0.05", fault="slow")
    assert len(parse_bench_document(longer.stdout, "x").latencies_s) > 1


@pytest.mark.parametrize("name", ["vww_96_int8", "resnet8_cifar10_float"])
def test_same_outputs_as_python(bench: Path, shared: Path, tmp_path: Path, name: str) -> None:
    """The native runner feeds and reads the model rightly: same bytes in, same bytes out."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    model = shared / "models" / f"{name}.tflite"
    with LocalDevice() as here:
        reference = make_reference(here, LitertInProcess(), model, tmp_path, seed=3).document
    command: list[str | Path] = [bench, "--litert-library", find_litert_library(), "--model", model, "--runs", "1"]
    command.append("--digest")
    for position, tensor in enumerate(reference.inputs):
        command += ["--input", f"{tensor.name}={tmp_path / f'input_{position}.bin'}"]
    done = subprocess.run(command, capture_output=True, check=True)
    document = parse_bench_document(done.stdout, "litert_bench")
    assert [output.sha256 for output in document.outputs] == [output.sha256 for output in reference.outputs]
    assert document.outputs[0].shape == reference.outputs[0].shape


def test_real_library_under_sanitizers(sanitized: Path, shared: Path) -> None:
    """No invalid access between this program and the real libLiteRt.so (whose own leaks are not ours)."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    command: list[str | Path] = [sanitized / "litert_bench", "--litert-library", find_litert_library()]
    command += ["--threads", "2", "--digest", "--model", shared / "models" / "vww_96_int8.tflite", "--runs", "3"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 0, done.stderr
    assert len(parse_bench_document(done.stdout, "x").latencies_s) == 3
