"""The Kotlin of a hand-off is compiled, and its unit test run: right code passes, and each of six faults fails."""

import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from exporter.data.facts.handoff import HandoffTensor
from exporter.data.facts.pictures import Picture
from exporter.data.progress import Silent
from exporter.data.settings.task import Resize
from exporter.datasets.images import normalize
from exporter.formats.registry import format_named
from exporter.handoff.golden import stored
from exporter.handoff.interface import spec_of
from exporter.handoff.kotlin import kotlin_files
from exporter.handoff.pictures import drawn_picture, fitted, save_picture
from exporter.use_cases.handoff import HandoffRequest, handoff
from tests.exporter.handoff.conftest import CLASSES, classifier, recorded

pytestmark = pytest.mark.slow
JVM = Path(__file__).with_name("jvm")
CODE = "android/core/src/main/kotlin/models/phone"
GOLDEN = "models.phone.GoldenTest"
FITS: tuple[Resize, ...] = ("crop", "stretch", "letterbox")


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of a file of the folder."""

    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert text.count(old) == 1, f"{name}: {old}"
        (folder / name).write_text(text.replace(old, new))

    return edit


def shift_labels(folder: Path) -> None:
    (folder / "model/labels.txt").write_text("\n".join(["background", *CLASSES[:-1]]) + "\n")


def stale_model(folder: Path) -> None:
    classifier(folder / "model/model.onnx", labels=())


FAULTS = {
    "channel order": replaced(
        f"{CODE}/Pixels.kt",
        "ColorOrder.RGB -> listOf(plane(red), plane(green), plane(blue))",
        "ColorOrder.RGB -> listOf(plane(blue), plane(green), plane(red))",
    ),
    "double normalization": replaced(
        f"{CODE}/Preprocessing.kt",
        "stored(value, normalized(pixel, channel, input),",
        "stored(value, (normalized(pixel, channel, input) - input.mean[channel]) / input.std[channel],",
    ),
    "wrong resize": replaced(f"{CODE}/ModelFacts.kt", "Resize.CROP", "Resize.STRETCH"),
    "wrong layout": replaced(f"{CODE}/ModelFacts.kt", "Layout.NCHW", "Layout.NHWC"),
    "shifted labels": shift_labels,
    "stale model file": stale_model,
}
IN_CODE = ("channel order", "double normalization", "wrong resize", "wrong layout")


class Outcome(NamedTuple):
    ran: int
    failed: frozenset[str]


@pytest.fixture(scope="module")
def jars() -> str:
    """The class path of a Kotlin compiler and JUnit, or a skip that says how to have it."""
    folder = os.environ.get("MOBILE_EXPORT_KOTLIN", "")
    if not folder or shutil.which("javac") is None:
        pytest.skip("no Kotlin: gather it with .ci/kotlin FOLDER, set MOBILE_EXPORT_KOTLIN to it, and install a JDK")
    return os.pathsep.join(str(path) for path in sorted(Path(folder).glob("*.jar")))


@pytest.fixture(scope="module")
def outcomes(jars: str, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Of every trial, compiled and run in one process of Java."""
    work = tmp_path_factory.mktemp("jvm")
    ((right, found),) = handoff(HandoffRequest(recorded(work / "run"), evaluation=str(photos)), Silent()).made
    whole = [*sources(right), JVM / "FiltersTest.kt"]
    filters = written_filters(work / "filters")
    trials = [("right", whole, right, GOLDEN), ("filters", whole, filters, "models.phone.FiltersTest")]
    for name, edit in FAULTS.items():
        wrong = work / name.replace(" ", "-")
        shutil.copytree(right, wrong)
        edit(wrong)
        trials.append((name, sources(wrong) if name in IN_CODE else whole, wrong, GOLDEN))
    app = format_named("tflite").handoff.apps["kotlin"]
    for place, text in kotlin_files(found, app, CLASSES):
        (work / "litert" / place).parent.mkdir(parents=True, exist_ok=True)
        (work / "litert" / place).write_text(text)
    trials.append(("litert", sources(work / "litert"), right, GOLDEN))
    return run(jars, work, trials)


def sources(folder: Path) -> list[Path]:
    """All Kotlin of a hand-off, and what stands for Android and the runtimes."""
    return [folder / "android/core/src", folder / "android/library/src", folder / "android/testing", JVM / "stubs"]


def run(jars: str, work: Path, trials: list[tuple[str, list[Path], Path, str]]) -> dict[str, Outcome]:
    words = [
        word
        for name, folders, place, tests in trials
        for word in (name, os.pathsep.join(map(str, folders)), str(place), tests)
    ]
    command = ["java", "-Xmx2g", "-XX:TieredStopAtLevel=1", "-cp", jars, str(JVM / "Trials.java"), jars, *words]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stderr)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: Outcome(int(ran), frozenset(failed)) for name, ran, *failed in lines}


def written_filters(folder: Path) -> Path:
    """Pictures, and the inputs that the program's own data code makes of them."""
    colors = {"RGB": "FLOAT32", "BGR": "INT8", "GRAY": "UINT8"}
    filters = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
    for place, (resize, how, color) in enumerate(product(FITS, filters, colors)):
        channels, whole = 1 if color == "GRAY" else 3, color == "GRAY"
        picture = Picture(
            color=color,
            mean=() if whole else (0.485, 0.456, 0.406),
            std=() if whole else (0.229, 0.224, 0.225),
            resize=resize,
            crop=0.9,
            interpolation=how,
        )
        tensor = HandoffTensor(
            name="image",
            dtype=colors[color].lower(),
            shape=(1, 24, 18, channels),
            layout="NHWC",
            picture=picture,
            scale=0.02 if color == "BGR" else 0.0,
            zero_point=-3,
        )
        case, spec = folder / f"{resize.upper()}-{how.upper()}-{color}-{colors[color]}", spec_of(tensor)
        case.mkdir(parents=True)
        image = drawn_picture(place % 2, spec)
        image = image.resize((11, 9)) if place % 4 == 0 else image
        save_picture(image, case)
        given = normalize(fitted(image, spec, resize), spec)[None]
        np.save(case / "input.npy", stored(given, tensor))
    return folder


def test_the_right_code_passes(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["right"] == Outcome(5, frozenset())


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails(fault: str, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[fault]
    assert found.ran == 5
    expected = {
        "shifted labels": {"outputsAreRead", "theWholeWayGivesTheGoldenAnswer"},
        "stale model file": {"theModelFileIsTheOneThatWasChecked"},
    }
    assert found.failed == expected.get(fault, {"picturesBecomeTheInput", "theWholeWayGivesTheGoldenAnswer"})


def test_every_filter_is_that_of_the_data_to_the_bit(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["filters"] == Outcome(1, frozenset())


def test_the_code_for_litert_compiles_and_passes(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["litert"] == Outcome(5, frozenset())
