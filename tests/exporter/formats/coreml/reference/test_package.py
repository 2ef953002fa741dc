"""Bad files: one clear error each, before anything reads past a file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from exporter.formats.coreml.reference import ModelFileError, ReferenceModel
from tests.exporter.formats.coreml.reference.programs import SmallNet, convert, coremltools

DATA = "Data/com.apple.CoreML"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "m.mlpackage"
    convert(path, SmallNet(), (1, 3, 16, 16), precision="FLOAT16")
    return path


@pytest.fixture
def package(sound: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(sound, tmp_path / "m.mlpackage"))


def _edit(package: Path, change: Callable[[Any], None]) -> None:
    file = package / DATA / "model.mlmodel"
    specification = coremltools().proto.Model_pb2.Model()
    specification.ParseFromString(file.read_bytes())
    change(specification)
    file.write_bytes(specification.SerializeToString())


def _first_blob(specification: Any) -> Any:
    function = specification.mlProgram.functions["main"]
    for operation in function.block_specializations[function.opset].operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blobFileValue":
                return value
    raise AssertionError("the program has weights")


def _refusal(package: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        ReferenceModel(package)
    assert str(package) in str(caught.value)
    return str(caught.value)


def test_a_sound_package_is_read(package: Path) -> None:
    assert ReferenceModel(package).input_description["x"].shape == (1, 3, 16, 16)


def test_what_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in _refusal(tmp_path / "none.mlpackage")
    (tmp_path / "empty.mlpackage").mkdir()
    assert "no Manifest.json" in _refusal(tmp_path / "empty.mlpackage")


def test_a_missing_part(package: Path) -> None:
    (package / DATA / "weights" / "weight.bin").unlink()
    assert "weight file weight.bin is missing" in _refusal(package)
    (package / DATA / "model.mlmodel").unlink()
    assert "incomplete" in _refusal(package)


def test_a_damaged_manifest(package: Path) -> None:
    (package / "Manifest.json").write_text("{", "utf-8")
    assert "damaged" in _refusal(package)


def test_a_manifest_that_points_outside(package: Path) -> None:
    manifest = json.loads((package / "Manifest.json").read_text("utf-8"))
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = "../../elsewhere"
    (package / "Manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert "outside of its package" in _refusal(package)


def test_a_truncated_specification(package: Path) -> None:
    file = package / DATA / "model.mlmodel"
    file.write_bytes(file.read_bytes()[:1000])
    assert "truncated" in _refusal(package)


@pytest.mark.parametrize("keep", [0, 64, 200])
def test_truncated_weights(package: Path, keep: int) -> None:
    file = package / DATA / "weights" / "weight.bin"
    file.write_bytes(file.read_bytes()[:keep])
    assert f"which has {keep} bytes" in _refusal(package)


@pytest.mark.parametrize(
    ("offset", "message"),
    [(10**9, "which has"), (2**63, "which has"), (65, "which has"), (0, "do not start"), (128, "do not start")],
)
def test_an_offset_that_is_no_blobs(package: Path, offset: int, message: str) -> None:
    def move(specification: Any) -> None:
        _first_blob(specification).blobFileValue.offset = offset

    _edit(package, move)
    assert message in _refusal(package)


def test_a_blob_that_says_it_is_longer_than_its_file(package: Path) -> None:
    file = package / DATA / "weights" / "weight.bin"
    content = bytearray(file.read_bytes())
    content[72:80] = (2**40).to_bytes(8, "little")
    file.write_bytes(bytes(content))
    assert "reach from byte" in _refusal(package)


def test_a_blob_of_another_size_than_its_type(package: Path) -> None:
    def widen(specification: Any) -> None:
        _first_blob(specification).type.tensorType.dimensions[0].constant.size += 1

    _edit(package, widen)
    assert "where their type needs" in _refusal(package)


@pytest.mark.parametrize("name", ["/etc/passwd", "@model_path/weights/../../secret", "@model_path/../secret"])
def test_weights_outside_of_the_package(package: Path, name: str) -> None:
    def redirect(specification: Any) -> None:
        _first_blob(specification).blobFileValue.fileName = name

    _edit(package, redirect)
    assert "outside of the package" in _refusal(package)


def test_a_weight_file_that_is_a_link(package: Path) -> None:
    file = package / DATA / "weights" / "weight.bin"
    elsewhere = package.parent / "elsewhere.bin"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert "missing" in _refusal(package)


def test_an_operation_that_coremltools_does_not_know(package: Path) -> None:
    def rename(specification: Any) -> None:
        function = specification.mlProgram.functions["main"]
        function.block_specializations[function.opset].operations[-1].type = "frobnicate"

    _edit(package, rename)
    assert "frobnicate" in _refusal(package)


def test_an_older_neural_network_says_how_to_convert(tmp_path: Path) -> None:
    ct = coremltools()
    model = ct.convert(
        torch.jit.trace(torch.nn.ReLU(), torch.zeros(1, 4)),
        inputs=[ct.TensorType("x", shape=(1, 4))],
        convert_to="neuralnetwork",
        skip_model_load=True,
    )
    model.save(str(tmp_path / "old.mlmodel"))
    message = _refusal(tmp_path / "old.mlmodel")
    assert "neuralNetwork" in message
    assert "iOS 15" in message


def test_encrypted_compiled_and_foreign_files(tmp_path: Path) -> None:
    specification = coremltools().proto.Model_pb2.Model()
    specification.serializedModel.identifier = "com.example"
    (tmp_path / "sealed.mlmodel").write_bytes(specification.SerializeToString())
    assert "encrypted" in _refusal(tmp_path / "sealed.mlmodel")
    (tmp_path / "app.mlmodelc").mkdir()
    assert "compiled" in _refusal(tmp_path / "app.mlmodelc")
    (tmp_path / "text.mlmodel").write_text("not a model at all, but text", "utf-8")
    assert "not a Core ML model" in _refusal(tmp_path / "text.mlmodel")
    (tmp_path / "nothing.mlmodel").write_bytes(b"")
    assert "holds no model" in _refusal(tmp_path / "nothing.mlmodel")
