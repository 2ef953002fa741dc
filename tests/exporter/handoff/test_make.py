"""Hand-offs hold what they say, and refuse what is not the artifact's or not theirs to overwrite."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from exporter.cli.main import main
from exporter.data.errors import UsageProblem
from exporter.data.facts.handoff import Handoff
from exporter.data.progress import Silent
from exporter.data.settings.model import ModelSettings
from exporter.datasets.images import normalize, read_image
from exporter.formats.registry import format_named
from exporter.handoff.interface import spec_of
from exporter.handoff.pictures import DRAWN
from exporter.use_cases.handoff import HandoffRequest, handoff
from tests.exporter.handoff.conftest import CLASSES, PICTURE, classifier, recorded


def made(subject: Path, **request: object) -> tuple[Path, Handoff]:
    """The one hand-off of `subject`."""
    ((folder, found),) = handoff(HandoffRequest(subject, **request), Silent()).made  # type: ignore[arg-type]
    return folder, found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> tuple[Path, Handoff]:
    return made(recorded(tmp_path_factory.mktemp("run")), evaluation=str(photos), cases=2)


def test_golden_files_are_what_the_data_and_the_runtime_give(done: tuple[Path, Handoff]) -> None:
    folder, found = done
    runtime = format_named("onnx").handoff.open(folder / found.artifact)
    assert len(found.cases) == 2 + len(DRAWN)
    spec = spec_of(found.inputs[0])
    for case in found.cases:
        given = np.load(folder / case.inputs[0])
        of_the_data = normalize(read_image(folder / case.picture, spec, "crop"), spec)[None]
        assert np.abs(given - of_the_data).max() <= 1.01 / 255 / min(PICTURE.std)
        (output,) = runtime([given])
        assert (np.load(folder / case.outputs[0]) == output).all()
        assert case.answer == CLASSES[int(output.argmax())]
        shares = np.exp(output - output.max()) / np.exp(output - output.max()).sum()
        assert case.confidence == pytest.approx(float(shares.max()))


def test_pictures_are_never_all_of_the_inputs_size(done: tuple[Path, Handoff]) -> None:
    folder, found = done
    sizes = {np.load(folder / case.pixels).shape[:2] for case in found.cases}
    assert any(wide / high < 0.8 for high, wide in sizes)
    assert any(wide / high > 1 for high, wide in sizes)
    assert all(size != (20, 16) for size in [np.load(folder / case.pixels).shape[:2] for case in found.cases[-2:]])


def test_the_folder_is_whole(done: tuple[Path, Handoff]) -> None:
    folder, found = done
    lines = (line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines())
    listed = {name: digest for digest, name in lines}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {*listed, "SHA256SUMS", "provenance.json"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())
    assert set(found.files) < there
    document = json.loads((folder / "handoff.json").read_text())
    assert Handoff.model_validate(document) == found
    assert document["schema_version"] == 1
    statement = json.loads((folder / "provenance.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {"model/model.onnx", "model/labels.txt", "SHA256SUMS"} == {one["name"] for one in statement["subject"]}
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["model"] == "m:f"


def test_equal_runs_give_equal_bytes(done: tuple[Path, Handoff], photos: Path, tmp_path: Path) -> None:
    again, _ = made(recorded(tmp_path), evaluation=str(photos), cases=2)
    assert (again / "SHA256SUMS").read_text() == (done[0] / "SHA256SUMS").read_text()


def test_the_papers_say_what_is_known_and_what_is_not(done: tuple[Path, Handoff]) -> None:
    folder, _ = done
    readme, card = (folder / "README.md").read_text(), (folder / "MODEL_CARD.md").read_text()
    said = ("unsigned", "2 of photos", "(pixel / 255 - 0.485, 0.456, 0.406)", "and the model itself on golden inputs")
    assert [words for words in said if words not in readme] == []
    assert len(readme.splitlines()) < 60
    assert "Not known: the run compared nothing" in card
    assert "**not known**" in (folder / "LICENSES.md").read_text()


def test_an_earlier_hand_off_is_replaced(tmp_path: Path) -> None:
    run = recorded(tmp_path)
    folder, _ = made(run)
    again, found = made(run, settings=ModelSettings(license="MIT"))
    assert again == folder
    assert found.license == "MIT"
    assert "MIT" in (folder / "LICENSES.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "android/core/build/notes.txt", "SHA256SUMS"])
def test_what_the_user_wrote_is_kept(name: str, tmp_path: Path) -> None:
    run = recorded(tmp_path)
    folder, _ = made(run)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(UsageProblem, match="is not overwritten"):
        made(run)
    assert (folder / name).read_text() == "mine"


def test_a_folder_of_the_users_is_kept(tmp_path: Path) -> None:
    run, mine = recorded(tmp_path / "run"), tmp_path / "app"
    mine.mkdir()
    (mine / "App.kt").write_text("mine")
    with pytest.raises(UsageProblem, match=r"App\.kt is none of a hand-off's files"):
        made(run, output=mine)
    assert [path.name for path in mine.iterdir()] == ["App.kt"]


def test_another_file_than_the_runs_is_refused(tmp_path: Path) -> None:
    run = recorded(tmp_path)
    classifier(run / "phone" / "model.onnx", labels=())
    with pytest.raises(UsageProblem, match=r"is not the file that .*run\.json records"):
        made(run)
    assert not (run / "phone" / "handoff").exists()


@pytest.mark.parametrize(
    ("changes", "request_", "words"),
    [
        ({}, {"target_names": ("tablet",)}, "has no target tablet; it has phone"),
        ({"artifact": None, "error": "it broke"}, {"target_names": ("phone",)}, "no artifact to hand off: it broke"),
        ({"artifact": None}, {}, "no target has an artifact"),
    ],
)
def test_a_run_without_that_target(
    changes: dict[str, object], request_: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem, match=words):
        made(recorded(tmp_path, **changes), **request_)


def test_no_such_run(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="there is no such file"):
        made(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageProblem, match="a hand-off is made of"):
        made(tmp_path / "notes.txt")


def test_a_file_alone_without_data(tmp_path: Path) -> None:
    """Both languages, made up pictures, and nothing claimed of accuracy."""
    folder, found = made(classifier(tmp_path / "small.onnx"))
    assert folder == tmp_path / "small-handoff"
    assert {one.language for one in found.dependencies} == {"kotlin", "swift"}
    assert found.drawn
    assert "made up, because no data was given" in (folder / "README.md").read_text()
    assert "made of the file alone" in (folder / "MODEL_CARD.md").read_text()


def test_labels_of_the_user_must_be_the_files(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n".join(["background", *CLASSES[:-1]]))
    with pytest.raises(UsageProblem, match=r"class 0 is background, and inside .* it is night sky"):
        made(classifier(tmp_path / "small.onnx"), settings=ModelSettings(labels=tmp_path / "labels.txt"))


def test_outputs_that_are_no_classes_stay_numbers(tmp_path: Path) -> None:
    folder, found = made(classifier(tmp_path / "small.onnx", labels=(), picture=None))
    assert found.reads == "outputs"
    assert found.inputs[0].picture is None
    assert "left to you" in " ".join(found.not_generated)
    assert not (folder / "model" / "labels.txt").exists()
    assert not list(folder.rglob("Classification.kt"))


def test_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["handoff", "build", "-f", "json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert document["handoffs"][0]["folder"] == "build/phone/handoff"
    refused = CliRunner().invoke(main, ["handoff", "build", "--target", "tablet"])
    assert refused.exit_code == 2
    assert "tablet" in refused.stderr
