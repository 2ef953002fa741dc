"""The Core ML runner: its plan, its document, how it is built, and what it leaves on the device."""

import json
import os
import re
import shutil
import sys
from itertools import chain
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness import process
from device_harness.apple.phone import AppleDevice
from device_harness.apple.pymobiledevice import PymobiledeviceDevice
from device_harness.apple.settings import AppleSettings
from device_harness.apple.simulator import AppleSimulator
from device_harness.errors import CommandFailedError, ToolMissingError, TransferError, UnreadableOutputError
from device_harness.protocol import Device
from device_harness.runners import bench_document, coreml_build
from device_harness.runners.bench_document import Settings
from device_harness.runners.coreml import CoremlPlan, accelerator, push_model, read_document, run_plan
from tests.device_harness.apple.test_contract import ATTACHED, PHONE, SETTINGS, SIMULATOR
from tests.exporter.sizes.builders import mlpackage
from tests.fakes.apple.stage import Stage

IOS = coreml_build.SOURCES
SAMPLE = (IOS / "sample_document.json").read_bytes()
PLAN = CoremlPlan(Settings(accelerator="cpu_and_ne", warmup_runs=2, runs=3))


def model_package(folder: Path) -> Path:
    return mlpackage(folder / "Model.mlpackage", 5000)


def test_the_sample_document_is_of_the_one_schema() -> None:
    """What the Swift encoder writes (see `check-sources.sh`) is what `litert_bench` and in-process LiteRT write."""
    schema = json.loads(Path(bench_document.__file__).with_name("bench_document.schema.json").read_text())
    jsonschema.validate(json.loads(SAMPLE), schema)
    document = read_document(SAMPLE, "the sample")
    assert document.runner.name == "coreml_bench"
    assert [placed.device for placed in document.placement] == ["ane", "cpu", "cpu"]
    assert document.acceleration.fully_accelerated is False
    assert document.battery[0].state == "unplugged"


def test_in_process_litert_writes_the_same_schema(shared: Path) -> None:
    """`litert_bench`'s document is validated by its own tests (tests/device_harness/runners)."""
    pytest.importorskip("ai_edge_litert.interpreter")
    model = shared / "models/resnet8_cifar10_float.tflite"
    command = [sys.executable, "-m", "device_harness.runners.litert_in_process", "--model", str(model)]
    result = process.run([*command, "--runs", "3", "--warmup-runs", "1"], timeout_s=120)
    assert result.returncode == 0, result.errors
    schema = json.loads(Path(bench_document.__file__).with_name("bench_document.schema.json").read_text())
    jsonschema.validate(json.loads(result.stdout), schema)


def test_the_sample_plan_is_what_is_sent() -> None:
    """`check-sources.sh` has the Swift decoder read the sample."""
    assert json.loads((IOS / "sample_plan.json").read_text()) == PLAN.to_json("Model.mlpackage")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", SAMPLE[:300], SAMPLE.replace(b'"schema_version" : 1', b'"schema_version" : 9')]
)
def test_documents_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableOutputError):
        read_document(data, "a phone")


@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_damaged_documents_are_read_or_refused(data: bytes, at: int, length: int) -> None:
    """Any bytes in place of a part of a document: no crash."""
    try:
        document = read_document(SAMPLE[:at] + data + SAMPLE[at + length :], "a phone")
    except UnreadableOutputError:
        return
    assert document.latencies_s


def test_compute_units_of_targets() -> None:
    assert accelerator("cpu_only") == "cpu"
    with pytest.raises(ValueError, match="not one of"):
        accelerator("npu2")


@pytest.mark.parametrize("kind", ["devicectl", "simctl", "pymobiledevice3"])
def test_a_model_runs_and_nothing_is_left(stage: Stage, tmp_path: Path, kind: str) -> None:
    """Every file of the package arrives, the plan is the one that was asked for, and the container is empty again."""
    (stage.container / "bench_document.json").write_bytes(SAMPLE)
    devices: dict[str, Device] = {
        "devicectl": AppleDevice(PHONE, SETTINGS),
        "simctl": AppleSimulator(SIMULATOR, SETTINGS),
        "pymobiledevice3": PymobiledeviceDevice(ATTACHED, SETTINGS),
    }
    package = model_package(tmp_path)
    with devices[kind] as device:
        name = push_model(device, package)
        sent = sorted(path for path in (stage.container / device.workspace / name).rglob("*") if path.is_file())
        assert [path.read_bytes() for path in sent] == [
            path.read_bytes() for path in sorted(package.rglob("*")) if path.is_file()
        ]
        document = run_plan(device, name, PLAN)
    assert document.settings == PLAN.settings
    assert document.model == "Model.mlpackage"
    assert [path.name for path in stage.container.rglob("*") if path.is_file()] == ["bench_document.json"]


def test_the_runners_own_words_are_passed_on(stage: Stage) -> None:
    """A model that is not there is told by the runner, not as a missing result."""
    with AppleSimulator(SIMULATOR, SETTINGS) as device, pytest.raises(CommandFailedError, match=r"no Other\.mlpackage"):
        run_plan(device, "Other.mlpackage", PLAN)


def test_no_model_is_told(stage: Stage, tmp_path: Path) -> None:
    with AppleSimulator(SIMULATOR, SETTINGS) as device, pytest.raises(TransferError, match="no Core ML model"):
        push_model(device, tmp_path / "Missing.mlpackage")


def test_building_needs_a_team_before_anything_else(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(CommandFailedError, match="MOBILE_EXPORT_APPLE_TEAM"):
        coreml_build.build_app("iOS", AppleSettings(), folder=tmp_path)
    assert stage.calls() == []


def build_step(folder: Path, destination: str, *signing: str, **answer: object) -> dict[str, object]:
    options = {
        "-project": str(IOS / "CoreMLBench.xcodeproj"),
        "-scheme": "CoreMLBench",
        "-configuration": "Release",
        "-destination": f"generic/platform={destination}",
        "-derivedDataPath": "*",
    }
    bundle = "PRODUCT_BUNDLE_IDENTIFIER=org.mobile-export.coreml-bench"
    arguments = [*chain.from_iterable(options.items()), *signing, bundle, "build"]
    return {"tool": "xcodebuild", "args": arguments, **answer}


SIGNING = ("-allowProvisioningUpdates", "-allowProvisioningDeviceRegistration", "DEVELOPMENT_TEAM=ABCDE12345")


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ('error: Signing for "CoreMLBench" requires a development team.', "ten characters"),
        ("error: No profiles for 'org.mobile-export.coreml-bench' were found", "sign in there"),
        ("xcode-select: error: tool 'xcodebuild' requires Xcode, but active developer directory is", "xcode-select -s"),
        ("CodeSign failed: errSecInternalComponent", "security unlock-keychain"),
        ("BenchApp.swift:1: error: something", "something"),
    ],
)
def test_failed_builds_say_what_to_do(tmp_path: Path, stage: Stage, stderr: str, words: str) -> None:
    stage.script(build_step(tmp_path, "iOS", *SIGNING, rc=65, stderr=stderr))
    with pytest.raises((CommandFailedError, ToolMissingError), match=words):
        coreml_build.build_app("iOS", AppleSettings(team="ABCDE12345"), folder=tmp_path)


def test_a_build_without_a_product_is_no_success(tmp_path: Path, stage: Stage) -> None:
    stage.script(build_step(tmp_path, "iOS Simulator", "CODE_SIGNING_ALLOWED=NO"))
    with pytest.raises(CommandFailedError, match=r"there is no .*Release-iphonesimulator/CoreMLBench\.app"):
        coreml_build.build_app("iOS Simulator", AppleSettings(), folder=tmp_path)


def test_a_device_is_prepared_once(tmp_path: Path, stage: Stage) -> None:
    """Built when the sources are new to this machine, installed every time: exactly these commands."""
    kept = coreml_build.build_folder(tmp_path, "iOSABCDE12345org.mobile-export.coreml-bench")
    app = kept / "Build/Products/Release-iphoneos/CoreMLBench.app"
    app.mkdir(parents=True)
    arguments = ["devicectl", "device", "install", "app", "--device", "E5E85238", str(app), "--json-output", "*"]
    result = {"installedApplications": [{"bundleID": "org.mobile-export.coreml-bench"}]}
    answer = {"info": {"outcome": "success"}, "result": result}
    stage.script({"tool": "xcrun", "args": arguments, "json": answer})
    assert coreml_build.prepare(AppleDevice(PHONE, SETTINGS), AppleSettings(team="ABCDE12345"), folder=tmp_path) is None
    assert stage.left() == 0


def test_a_simulator_is_booted_and_prepared(tmp_path: Path, stage: Stage) -> None:
    app = coreml_build.build_folder(tmp_path, "iOS SimulatorNoneorg.mobile-export.coreml-bench") / (
        "Build/Products/Release-iphonesimulator/CoreMLBench.app"
    )
    app.mkdir(parents=True)
    stage.script(
        {"tool": "xcrun", "args": ["simctl", "bootstatus", "FA628127", "-b"]},
        {"tool": "xcrun", "args": ["simctl", "install", "FA628127", str(app)]},
    )
    coreml_build.prepare(AppleSimulator(SIMULATOR, SETTINGS), AppleSettings(), folder=tmp_path)
    assert stage.left() == 0


def test_the_tool_for_a_mac_is_built_with_swift(tmp_path: Path, stage: Stage) -> None:
    where = ["--package-path", str(IOS), "--scratch-path", "*"]
    what = ["--configuration", "release", "--product", "coreml-bench"]
    stage.script({"tool": "xcrun", "args": ["swift", "build", *where, *what]})
    with pytest.raises(CommandFailedError, match=r"there is no .*coreml-bench"):
        coreml_build.build_tool(folder=tmp_path)


def test_the_app_target_has_every_source() -> None:
    """The Xcode project is written by hand: each file is listed in all four places, and every identifier is defined."""
    project = (IOS / "CoreMLBench.xcodeproj/project.pbxproj").read_text()
    sources = [*(IOS / "App").glob("*.swift"), *(IOS / "Sources/CoreMLBench").glob("*.swift")]
    for path in sources:
        assert project.count(f"/* {path.name} in Sources */") == 2, path.name
        assert f"path = {path.relative_to(IOS)};" in project
    assert len(re.findall(r"isa = PBXBuildFile", project)) == len(sources)
    used = set(re.findall(r"\bC0DEB[0-9A-F]{19}\b", project))
    assert used == set(re.findall(r"^\t\t(C0DEB[0-9A-F]{19}).* = \{", project, flags=re.MULTILINE))
    assert project.count("{") == project.count("}")


@pytest.mark.slow
def test_swift_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syntax, types against stub interfaces, format; the plan's decoder and the document's encoder really run."""
    root = os.environ.get("MOBILE_EXPORT_SWIFT", "")
    if not root and shutil.which("swift-frontend") is None:
        pytest.skip("no Swift: unpack it as scripts/check-sources.sh says, and set MOBILE_EXPORT_SWIFT")
    result = process.run([str(IOS / "scripts/check-sources.sh"), *([root] if root else [])], timeout_s=600)
    assert result.returncode == 0, result.text + result.errors
