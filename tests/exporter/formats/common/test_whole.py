"""Truncated and damaged files are told from whole ones by every command, without the libraries that run models."""

import contextlib
import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.formats.common.bytes.damage import Damage
from exporter.formats.files import check_whole, inspect
from exporter.formats.tflite.inspection.structure import check_tflite_bytes
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from tests.exporter.formats.tflite.models import TYPES, Constant, model


def labels() -> bytes:
    """Label files as TFLite metadata packs them behind the model."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("labels.txt", "cat\ndog\n" * 20)
    return packed.getvalue()


WHOLE = model([Constant("w", TYPES.INT8, (200,), bytes(range(200))), Constant("b", TYPES.BOOL, (9,), bytes(9))])


def accepted(content: bytes) -> bool:
    try:
        check_tflite_bytes(memoryview(content))
    except Damage:
        return False
    return True


def loads(content: bytes) -> bool:
    """Whether LiteRT's own verifier takes a flatbuffer."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        Interpreter(model_content=content)
    except ValueError as error:
        return "custom op" in str(error).lower()  # it is whole, but has an operator that LiteRT does not know
    return True


def test_no_cut_of_a_tflite_file_is_whole() -> None:
    """Every length of a small file: a copy that stopped anywhere is refused."""
    assert accepted(WHOLE)
    assert [end for end in range(len(WHOLE)) if accepted(WHOLE[:end])] == []


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 61))
def test_litert_refuses_the_same_cuts(cut: int) -> None:
    """The judge is not this program."""
    assert loads(WHOLE)
    assert not loads(WHOLE[:cut])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_what_is_accepted_can_be_inspected(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    """A file that passed as whole is read without an exception: numbers may be odd, the reader must not fail."""
    content = bytearray(WHOLE)
    content[place] = value
    path = tmp_path_factory.mktemp("byte") / "m.tflite"
    path.write_bytes(content)
    if accepted(bytes(content)):
        assert inspect(path).size_bytes == len(WHOLE)
    else:
        with pytest.raises(UsageProblem, match="damaged or cut off"):
            inspect(path)


@pytest.mark.parametrize(
    "trailing",
    [b"", b"\0" * 40, b"signed by somebody", labels(), b"\0" * 12 + labels()],
    ids=["nothing", "zeros", "a signature", "labels", "zeros and labels"],  # an archive holds the time of its making
)
def test_bytes_after_the_model_are_legal(trailing: bytes) -> None:
    """Label files follow the model as a zip archive, and some tools append a signature."""
    assert accepted(WHOLE + trailing)


def test_an_archive_of_labels_that_is_cut_off_is_refused() -> None:
    """The model would run and its labels would be gone."""
    content = WHOLE + labels()
    assert not any(accepted(content[:end]) for end in range(len(WHOLE) + 1, len(content)))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real package with weights."""
    import torch

    from tests.exporter.formats.coreml.reference.programs import convert

    path = tmp_path_factory.mktemp("whole") / "m.mlpackage"
    convert(
        path, torch.nn.Sequential(torch.nn.Conv2d(3, 40, 3), torch.nn.ReLU(), torch.nn.Conv2d(40, 8, 3)), (1, 3, 9, 9)
    )
    check_whole(path)
    return path


@pytest.mark.parametrize("name", ["Manifest.json", "model.mlmodel", "weight.bin"])
def test_no_cut_of_a_core_ml_package_is_whole(package: Path, tmp_path: Path, name: str) -> None:
    """Each of its three files, at many lengths, and without the file."""
    copy = tmp_path / "m.mlpackage"
    shutil.copytree(package, copy)
    (file,) = copy.rglob(name)
    content = file.read_bytes().rstrip(b"\n")
    for end in sorted({*range(0, len(content), max(1, len(content) // 150)), len(content) - 1}):
        file.write_bytes(content[:end])
        with pytest.raises(UsageProblem, match="damaged or cut off"):
            check_whole(copy)
    file.unlink()
    with pytest.raises(UsageProblem, match="damaged or cut off"):
        check_whole(copy)


@given(
    st.sampled_from(["Manifest.json", "model.mlmodel", "weight.bin"]), st.integers(0), st.binary(min_size=1, max_size=9)
)
def test_a_damaged_package_is_refused_in_words_or_passes(
    package: Path, tmp_path_factory: pytest.TempPathFactory, name: str, place: int, written: bytes
) -> None:
    """Bytes that are no JSON, no message or no number never end in another exception."""
    copy = tmp_path_factory.mktemp("damaged") / "m.mlpackage"
    shutil.copytree(package, copy)
    (file,) = copy.rglob(name)
    content = file.read_bytes()
    start = place % len(content)
    file.write_bytes(content[:start] + written + content[start + len(written) :])
    with contextlib.suppress(UsageProblem):
        check_whole(copy)


def test_no_cut_of_an_onnx_file_is_whole(tmp_path: Path) -> None:
    """And the file of weights beside it must be as long as the model says."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((40, 40), np.float32), "w")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 40]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", values[:1], values[1:], [weight])
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph), str(path))
    content = path.read_bytes()
    check_whole(path)
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(UsageProblem, match="damaged or cut off"):
            check_whole(path)
    onnx.save(helper.make_model(graph), str(path), save_as_external_data=True, location="w.bin", size_threshold=0)
    check_whole(path)
    (tmp_path / "w.bin").write_bytes((tmp_path / "w.bin").read_bytes()[:-1])
    with pytest.raises(UsageProblem, match="reach to byte"):
        check_whole(path)


@pytest.mark.parametrize("command", [inspect, check_whole, lambda path: measure(path, Options())])
def test_every_command_says_the_same(tmp_path: Path, command: object) -> None:
    """A truncated file passed the size budget, being smaller than the limit."""
    path = tmp_path / "m.tflite"
    path.write_bytes(WHOLE[: len(WHOLE) // 2])
    with pytest.raises(UsageProblem, match="damaged or cut off"):
        command(path)  # type: ignore[operator]


def test_a_vector_that_claims_more_than_the_file_is_refused() -> None:
    """A length of four billion must not be believed."""
    place = WHOLE.index(bytes(range(200))) - 4
    assert struct.unpack_from("<I", WHOLE, place) == (200,)
    assert not accepted(WHOLE[:place] + b"\xff\xff\xff\xff" + WHOLE[place + 4 :])
