"""The Swift of a hand-off: its XCTest runs on Linux for right code, and fails for a fault, without Apple."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.data.facts.handoff import Handoff
from exporter.data.progress import Silent
from exporter.formats.registry import format_named
from exporter.handoff.swift import swift_files
from exporter.use_cases.handoff import HandoffRequest, handoff
from tests.exporter.handoff.conftest import CLASSES, recorded

pytestmark = pytest.mark.slow
STUBS = Path(__file__).with_name("swift")
TESTS = ("testPicturesBecomeTheInput", "testOutputsAreRead", "testTheWholeWayGivesTheGoldenAnswer")


@pytest.fixture(scope="module")
def swift() -> list[str]:
    """The compiler's frontend with its options, installed or unpacked, or a skip that says how to have it."""
    root = os.environ.get("MOBILE_EXPORT_SWIFT", "")
    options = ["-frontend", "-swift-version", "5"]
    if root:
        libraries, inside = f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/usr/libexec/swift/lib/swift"
        path = f"{libraries}:{inside}/linux:{inside}/host"
        loader = [f"{libraries}/ld-linux-x86-64.so.2", "--library-path", path]
        places = ["-sdk", root, "-resource-dir", inside, "-L", f"{inside}/linux"]
        return [*loader, f"{root}/usr/libexec/swift/bin/swift-frontend", *options, *places]
    if shutil.which("swift-frontend") is None:
        pytest.skip("no Swift: unpack Debian 13's with .ci/debian13, and set MOBILE_EXPORT_SWIFT to it")
    return ["swift-frontend", *options]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A hand-off for an iPhone."""
    settings = {"name": "phone", "format": "onnx", "minimum_os": "iOS 17"}
    run = recorded(tmp_path_factory.mktemp("run"), minimum_os="iOS 17", settings=settings)
    ((made, _),) = handoff(HandoffRequest(run, evaluation=str(photos)), Silent()).made
    return made


def checked(swift: list[str], folder: Path, work: Path) -> subprocess.CompletedProcess[str]:
    """The package's sources and its XCTest, in one module that is interpreted."""
    texts = [path.read_text() for path in sorted((folder / "swift").rglob("*.swift"))]
    cases = ", ".join(f'("{name}", GoldenTests.{name})' for name in TESTS)
    whole = "\n".join(texts).replace("@testable import PhoneModel\n", "")
    (work / "whole.swift").write_text(f"{whole}\nXCTMain([testCase([{cases}])])\n")
    command = [*swift, "-module-cache-path", str(work / "cache"), "-interpret", str(work / "whole.swift")]
    environment = {**os.environ, "HANDOFF": str(folder)}
    libraries = ["-lFoundation", "-lXCTest"]
    return subprocess.run([*command, *libraries], env=environment, capture_output=True, text=True, timeout=600)


def test_the_right_code_passes(swift: list[str], folder: Path, tmp_path: Path) -> None:
    done = checked(swift, folder, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Executed {len(TESTS)} tests, with 0 failures" in done.stdout


def test_a_fault_fails(swift: list[str], folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(folder, wrong)
    pixels = wrong / "swift/Sources/Pixels.swift"
    text = pixels.read_text()
    swapped = text.replace("[plane(red), plane(green), plane(blue)]", "[plane(blue), plane(green), plane(red)]")
    assert swapped != text
    pixels.write_text(swapped)
    done = checked(swift, wrong, tmp_path)
    assert done.returncode != 0
    assert "testPicturesBecomeTheInput : XCTAssertEqual failed" in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "modules"), [("coreml", ("CoreVideo", "CoreML")), ("onnx", ("OnnxRuntimeBindings",))])
def test_the_code_that_calls_the_runtime_has_its_types(
    name: str, modules: tuple[str, ...], swift: list[str], folder: Path, tmp_path: Path
) -> None:
    """Against interfaces written down here, which are no proof that the runtime has them."""
    options = [*swift, "-module-cache-path", str(tmp_path / "cache"), "-I", str(tmp_path)]
    for module in modules:
        out = str(tmp_path / f"{module}.swiftmodule")
        words = ["-emit-module", "-parse-as-library", "-module-name", module, "-o", out, str(STUBS / f"{module}.swift")]
        subprocess.run([*options, *words], check=True, timeout=600)
    found = Handoff.model_validate_json((folder / "handoff.json").read_text())
    files = []
    for place, text in swift_files(found, format_named(name).handoff.apps["swift"], CLASSES):
        if place.startswith("swift/Sources/"):
            files.append(tmp_path / Path(place).name)
            files[-1].write_text(text)
    command = [*options, "-typecheck", "-parse-as-library", "-module-name", "PhoneModel", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
