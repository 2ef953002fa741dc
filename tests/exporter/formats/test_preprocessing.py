"""Normalization inside the files of every format, against the source on normalized floats of the same pictures."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from exporter.data.errors import UsageProblem
from exporter.data.facts.pictures import Picture
from exporter.datasets.dataset import Dataset
from exporter.formats.format import Format, Origin
from exporter.formats.registry import format_named, names
from exporter.formats.session import Conversion, ConversionSession
from exporter.sources.source import ModelSource
from exporter.verification.noise import noise
from tests.contracts import format as contract

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.35, 0.5)
SETTINGS: dict[str, Any] = {"mean": MEAN, "std": STD, "color_order": "BGR", "resize": "letterbox"}
MODES = [
    ("tflite", {"mode": "float32"}, 90.0),
    ("tflite", {"mode": "float16"}, 50.0),
    ("tflite", {"weights": {"nbits": 8}}, 30.0),
    ("tflite", {"mode": "int8"}, 20.0),
    ("tflite", {"mode": "int16x8"}, 35.0),
    ("onnx", {"mode": "float32"}, 90.0),
    ("onnx", {"mode": "float16"}, 50.0),
    ("onnx", {"mode": "dynamic_int8"}, 25.0),
    ("onnx", {"mode": "static_int8"}, 20.0),
]
Run = Callable[[NDArray[np.uint8]], NDArray[Any]]


@pytest.fixture(params=names())
def form(request: pytest.FixtureRequest) -> Format:
    return format_named(request.param)


@pytest.fixture(scope="module")
def source(load: Callable[..., Any]) -> Any:
    return load(**SETTINGS)


def _target(form: Format, **settings: Any) -> Any:
    case = import_module(f"tests.exporter.formats.{form.name}.case").CASE
    known = {"name": "t", "format": form.name, "minimum_os": case.minimum_os, "preprocessing": "normalization"}
    return form.target_type.model_validate(known | settings)


def _converted(form: Format, source: ModelSource, folder: Path, **settings: Any) -> Conversion:
    calibration: Dataset = noise(source.description.inputs, {})
    return ConversionSession(source, calibration, 8).convert(_target(form, **settings), folder)


def _pictures(count: int = 4, side: int = 16) -> list[NDArray[np.uint8]]:
    """RGB, (side, side, 3)."""
    return [np.random.default_rng(place).integers(0, 256, (side, side, 3), np.uint8) for place in range(count)]


def _wanted(source: ModelSource, picture: NDArray[np.uint8]) -> NDArray[Any]:
    """What the source gives for the picture, normalized here by hand: BGR, ``(pixel / 255 - mean) / std``."""
    values = (picture[:, :, ::-1].astype(np.float64) / 255 - MEAN) / STD
    with torch.inference_mode():
        found: NDArray[Any] = source.module(torch.from_numpy(values.transpose(2, 0, 1)[None]).float()).numpy()
    return found


def _litert(path: Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(path))
    (given,), (made,) = model.get_input_details(), model.get_output_details()
    assert given["dtype"] == np.uint8
    first = given["shape"][1] == 3

    def run(picture: NDArray[np.uint8]) -> NDArray[Any]:
        value = picture.transpose(2, 0, 1) if first else picture
        model.resize_tensor_input(given["index"], (1, *value.shape))
        model.allocate_tensors()
        model.set_tensor(given["index"], np.ascontiguousarray(value)[None])
        model.invoke()
        found: NDArray[Any] = model.get_tensor(made["index"])
        return found

    return run


def _onnxruntime(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(picture: NDArray[np.uint8]) -> NDArray[Any]:
        (found,) = session.run(None, {"image": np.ascontiguousarray(picture.transpose(2, 0, 1))[None]})
        return np.asarray(found)

    return run


RUNTIMES: dict[str, Callable[[Path], Run]] = {"tflite": _litert, "onnx": _onnxruntime}


def _snr_db(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    wanted, found = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return float(10 * np.log10(np.square(wanted).sum() / max(np.square(wanted - found).sum(), 1e-30)))


@pytest.mark.parametrize(("name", "quantization", "least_db"), MODES, ids=lambda value: str(value)[:24])
def test_bytes_in_rgb_give_what_the_source_gives(
    name: str, quantization: dict[str, Any], least_db: float, source: Any, tmp_path: Path
) -> None:
    """In the runtime itself, which knows nothing of this program; means and deviations differ, and the order is BGR."""
    made = _converted(format_named(name), source, tmp_path, quantization=quantization)
    for path in (made.path, made.twin_path):
        run = RUNTIMES[name](path)
        found = _snr_db([(_wanted(source, picture), run(picture)) for picture in _pictures()])
        assert found > (least_db if path == made.path else 90)
    (image,) = made.inspection.inputs
    assert (image.name, image.dtype) == ("image", "uint8")
    assert not [op for op in made.inspection.float_ops() if op.name.startswith("preprocessing")]
    before = {op.dtype for op in made.inspection.ops if op.before}
    in_integers = (name, quantization.get("mode")) == ("tflite", "int8")
    assert before == {"uint8", "int8"} if in_integers else "float32" in before


def test_an_image_is_fed_to_every_evaluator_as_pixels(form: Format, source: Any, tmp_path: Path) -> None:
    """What the program compares by: it gives each runner the source's floats, and the runner makes pixels of them."""
    settings = {"quantization": {"precision": "float32"}} if form.name == "coreml" else {}
    made = _converted(form, source, tmp_path, **settings)
    runner = form.evaluator(form.evaluators()[0], made.path, Origin(source.description))
    assert runner.takes_pictures
    data = noise(source.description.inputs, {})
    pairs = []
    for index in range(4):
        given = data.read(index)
        with torch.inference_mode():
            pairs.append((source.module(torch.from_numpy(given[0])).numpy(), runner(given)[0]))
    assert _snr_db(pairs) > 60


def test_no_file_says_that_an_app_shall_normalize_again(form: Format, source: Any, tmp_path: Path) -> None:
    (image,) = _converted(form, source, tmp_path).inspection.inputs
    assert image.picture is not None
    assert image.picture.takes_pixels
    assert (image.picture.mean, image.picture.std) == ((), ())
    assert "normalized by the app" not in str(image.picture)
    assert image.picture.color == ("BGR" if form.name == "coreml" else "RGB")
    assert image.picture.resize == "letterbox"


@pytest.mark.parametrize("preprocessing", ["none", "normalization"])
def test_androids_metadata_normalizes_exactly_what_the_file_does_not(
    preprocessing: str, load: Callable[..., Any], tmp_path: Path
) -> None:
    """By TFLite's own schema: what is applied before the input, then what the input's quantization makes of it."""
    settings = {"mean": (0.5,), "std": (0.25,), "color_order": "RGB"}
    form = format_named("tflite")
    content = _converted(form, load(**settings), tmp_path, preprocessing=preprocessing).path.read_bytes()
    mean, std = _normalization(content)
    assert (mean, std) == (([127.5] * 3, [63.75] * 3) if preprocessing == "none" else ([0.0], [1.0]))


def _normalization(content: bytes) -> tuple[list[float], list[float]]:
    """Of the first input, read by the schema: mean, and standard deviation."""
    from exporter.formats.tflite.inspection.flatbuffer import Flatbuffer
    from exporter.formats.tflite.inspection.tables import read_model

    model = read_model(memoryview(content))
    reader = Flatbuffer(model.buffers[model.metadata["TFLITE_METADATA"]], {})
    (graph,) = reader.members(reader.root(), 3)
    (tensor,) = reader.members(graph, 2)
    (unit,) = reader.members(tensor, 4)
    options = reader.target(unit, 1)
    assert options is not None
    mean, std = (np.frombuffer(reader.vector(options, slot, 4), np.float32).tolist() for slot in (0, 1))
    return mean, std


def test_inputs_of_several_sizes(load: Callable[..., Any], tmp_path: Path) -> None:
    """The dimensions that the model leaves open are open in front of it too."""
    source = load(shape=(1, 3, "16..32", "16..32"), **SETTINGS)
    for name in ("tflite", "onnx"):
        (tmp_path / name).mkdir()
        run = RUNTIMES[name](_converted(format_named(name), source, tmp_path / name).path)
        for side in (16, 24, 32):
            (picture,) = _pictures(1, side)
            assert _snr_db([(_wanted(source, picture), run(picture))]) > 80


def test_a_first_layer_that_stays_float_is_given_floats(source: Any, tmp_path: Path) -> None:
    rules = [{"op_name": "^stem"}, {"op_type": "PAD"}]
    made = _converted(format_named("tflite"), source, tmp_path, quantization={"mode": "int8", "rules": rules})
    run = _litert(made.path)
    assert _snr_db([(_wanted(source, picture), run(picture)) for picture in _pictures()]) > 20
    assert "MUL" in {op.type for op in made.inspection.ops if op.before}


def test_tflite_with_channels_first(source: Any, tmp_path: Path) -> None:
    run = _litert(_converted(format_named("tflite"), source, tmp_path, layout="NCHW").path)
    assert _snr_db([(_wanted(source, picture), run(picture)) for picture in _pictures()]) > 90


def test_the_same_bytes_a_second_time(form: Format, source: Any, tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    first.mkdir()
    second.mkdir()
    made = [_converted(form, source, folder) for folder in (first, second)]
    assert contract.content(made[0].path) == contract.content(made[1].path)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (({"name": "image", "shape": (1, 3, 16, 16)}, {"name": "other", "shape": (1, 4)}), "2 inputs (image, other)"),
        (({"name": "values", "shape": (1, 16)},), "input values [1, 16] of float32 is none"),
    ],
)
def test_models_of_other_inputs_are_refused(form: Format, inputs: Any, says: str, source: Any) -> None:
    """By a sentence that names the setting and says what to do."""
    from exporter.data.facts.source import ImageSpec, InputSpec

    image = ImageSpec(mean=(0.0,) * 3, std=(1.0,) * 3, color="RGB")
    specs = tuple(InputSpec(**one, image=image if len(one["shape"]) == 4 else None) for one in inputs)
    problem = str(form.refuse(_target(form), source.description.model_copy(update={"inputs": specs})))
    assert says in problem
    assert 'preprocessing = "normalization"' in problem
    assert "Leave preprocessing out" in problem


def test_pixels_that_the_model_takes_already_are_refused(source: Any) -> None:
    spec = source.description.inputs[0].model_copy(update={"dtype": "uint8"})
    form = format_named("onnx")
    problem = form.refuse(_target(form), source.description.model_copy(update={"inputs": (spec,)}))
    assert "takes pixels already" in str(problem)


def test_a_conversion_that_cannot_be_is_no_conversion(load: Callable[..., Any], tmp_path: Path) -> None:
    """Core ML holds one picture an image input; a batch would go to an input that normalizes nothing."""
    with pytest.raises(UsageProblem, match="takes 2 pictures"):
        _converted(format_named("coreml"), load(shape=(2, 3, 16, 16), **SETTINGS), tmp_path)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("tflite", {"quantization": {"mode": "int8", "input_type": "uint8"}}, "quantization.input_type = 'uint8' out"),
        ("coreml", {"input_kind": "tensor"}, "leave one of the two out"),
    ],
)
def test_settings_that_contradict_it_are_refused(name: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        _target(format_named(name), **settings)


def test_a_picture_in_words() -> None:
    picture = Picture(color="RGB", mean=MEAN, std=STD, resize="crop", crop=0.875, interpolation="bicubic")
    assert str(picture) == (
        "RGB pixels from 0 to 255, to be normalized by the app: (pixel / 255 - 0.485, 0.456, 0.406) / 0.229, 0.35, 0.5;"
        " of other sizes the middle, 0.875 of the shorter side, bicubic"
    )
    assert str(Picture(color="GRAY")) == "gray pixels from 0 to 255"
