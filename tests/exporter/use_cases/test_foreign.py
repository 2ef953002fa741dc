"""`verify` of packages and files that this program did not make: other names, orders, layouts, labels, types."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from exporter.config.model import parse_shape
from exporter.data.errors import UsageProblem
from exporter.data.facts.parity import Parity
from exporter.data.progress import Silent
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.tflite.tensorflow import load_tensorflow
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.verify import verify
from tests.exporter.use_cases import foreign_nets as nets

pytestmark = pytest.mark.slow


def package(path: Path, net: nn.Module, inputs: list[Any], **options: Any) -> Path:
    """What a person makes with coremltools alone; outputs are called what coremltools calls them."""
    ct = load_coremltools()
    options.setdefault("minimum_deployment_target", ct.target.iOS17)
    integer = ct.converters.mil.mil.types.int32
    examples = tuple(
        torch.zeros(tuple(one.shape.shape), dtype=torch.int32 if one.dtype == integer else torch.float32)
        for one in inputs
    )
    with quiet(), torch.no_grad():
        ct.convert(torch.jit.trace(net.eval(), examples), inputs=inputs, skip_model_load=True, **options).save(
            str(path)
        )
    return path


def checked(
    artifact: Path, net: str, *shapes: str, target: str = "ipad-pro-m4", folder: Path | None = None, **settings: Any
) -> Parity:
    """The first comparison of `verify`."""
    model = ModelSettings(inputs=tuple(parse_shape(shape) for shape in shapes), **settings)
    request = RunRequest(
        spec=f"{nets.__file__}:{net}",
        settings=model,
        target_names=(target,),
        output=Path(),
        cache_root=artifact.parent / "cache",
    )
    return verify(request, artifact, Silent()).parities[0]


def good(parity: Parity) -> bool:
    return parity.snr_db is None or parity.snr_db > 40


def test_one_input_and_one_output_need_no_names(tmp_path: Path) -> None:
    """The most everyday case: a package from coremltools' own tutorial."""
    ct = load_coremltools()
    path = package(tmp_path / "m.mlpackage", nets.classifier(), [ct.TensorType(name="x", shape=(1, 3, 32, 32))])
    assert good(checked(path, "classifier", "1,3,32,32"))


@pytest.mark.parametrize("labels", [["e", "d", "c", "b", "a"], [4, 3, 2, 1, 0]], ids=["names", "integers"])
def test_scores_are_read_by_label_whatever_the_order(tmp_path: Path, labels: list[Any]) -> None:
    """The package's classes are those of a net whose outputs are reversed."""
    ct = load_coremltools()
    path = package(
        tmp_path / "m.mlpackage",
        nets.reversed_classifier(),
        [ct.TensorType(name="x", shape=(1, 3, 32, 32))],
        classifier_config=ct.ClassifierConfig(labels),
    )
    names = tmp_path / "labels.txt"
    names.write_text("".join(f"{label}\n" for label in reversed(labels)))
    assert good(checked(path, "classifier", "1,3,32,32", labels=names))
    assert good(checked(path, "reversed_classifier", "1,3,32,32"))  # the artifact's own order
    assert not good(checked(path, "classifier", "1,3,32,32"))
    names.write_text("a\nb\nx\ny\nz\n")
    with pytest.raises(UsageProblem, match="--labels has 5 names and the artifact 5 classes"):
        checked(path, "classifier", "1,3,32,32", labels=names)


def test_several_inputs_and_outputs_are_matched_by_shape(tmp_path: Path) -> None:
    """Ids and features in another order, outputs under names of coremltools."""
    ct = load_coremltools()
    inputs = [ct.TensorType(name="ids", shape=(1, 6), dtype=np.int32), ct.TensorType(name="f", shape=(1, 4))]
    path = package(tmp_path / "m.mlpackage", nets.two_in_two_out(), inputs)
    assert good(checked(path, "swapped_two", "features=1,4", "tokens:int64=1,6"))


def test_outputs_of_one_shape_are_not_guessed(tmp_path: Path) -> None:
    """Both lists are shown, and with the names it works."""
    ct = load_coremltools()
    path = package(tmp_path / "m.mlpackage", nets.twins(), [ct.TensorType(name="x", shape=(1, 4))])
    with pytest.raises(UsageProblem, match="cannot be told apart") as caught:
        checked(path, "twins", "1,4")
    first, second = str(caught.value).split("--output-name ")[1:]
    names = first.strip(), second.strip()
    assert good(checked(path, "twins", "1,4", outputs=names))
    assert not good(checked(path, "twins", "1,4", outputs=names[::-1]))


def test_an_optional_input_may_be_missing(tmp_path: Path) -> None:
    """The package's default takes its place, as in an app."""
    ct = load_coremltools()
    inputs = [ct.TensorType(name=name, shape=(1, 4)) for name in ("a", "b")]
    path = package(
        tmp_path / "m.mlpackage",
        nets.diff_and_sum(),
        inputs,
        outputs=[ct.TensorType(name="diff"), ct.TensorType(name="sum")],
    )
    specification = path / "Data/com.apple.CoreML/model.mlmodel"
    spec = ct.utils.load_spec(str(path))
    spec.description.input[1].type.isOptional = True
    spec.description.input[1].type.multiArrayType.floatDefaultValue = 2.0
    specification.write_bytes(spec.SerializeToString())
    assert good(checked(path, "two_less_and_more", "p=1,4", outputs=("diff", "sum")))


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_an_image_input_takes_pictures(tmp_path: Path, layout: str) -> None:
    """The package scales pixels itself; the source takes them between 0 and 1."""
    ct = load_coremltools()
    image = ct.ImageType(
        name="photo", shape=(1, 3, 32, 32), scale=1 / 255, color_layout=getattr(ct.colorlayout, layout)
    )
    path = package(tmp_path / "m.mlpackage", nets.classifier(), [image])
    assert good(checked(path, "classifier", "1,3,32,32", color_order=layout))
    with pytest.raises(UsageProblem, match=r"photo image RGB|photo image BGR") as caught:
        checked(path, "flat", "1,16")
    assert "does not fit the source's" in str(caught.value)


def tflite(path: Path, function: Callable[..., Any], *shapes: tuple[int | None, ...], **options: Any) -> Path:
    """A file of TensorFlow's own, channels last, with TensorFlow's names."""
    tf = load_tensorflow()
    specs = [tf.TensorSpec(shape, tf.float32, name=f"given_{index}") for index, shape in enumerate(shapes)]
    with quiet():
        concrete = tf.function(function, input_signature=specs).get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        for key, value in options.items():
            setattr(converter, key, value)
        path.write_bytes(converter.convert())
    return path


def channels_last(images: Any) -> Any:
    """`nets.classifier` in TensorFlow."""
    tf = load_tensorflow()
    net = nets.classifier()
    values = {name: value.numpy() for name, value in net.state_dict().items()}
    kernel = values["conv.weight"].transpose(2, 3, 1, 0)
    hidden = tf.nn.relu(tf.nn.conv2d(images, kernel, 2, "VALID") + values["conv.bias"])
    pooled = tf.reduce_mean(hidden, [1, 2])
    return tf.matmul(pooled, values["layer.weight"], transpose_b=True) + values["layer.bias"]


@pytest.mark.parametrize("size", [32, None], ids=["fixed", "flexible"])
def test_a_file_of_tensorflow_is_channels_last(tmp_path: Path, size: int | None) -> None:
    """Also where its image size is left open, which must be fixed before it runs."""
    path = tflite(tmp_path / "m.tflite", channels_last, (1, size, size, 3))
    assert good(checked(path, "classifier", "1,3,32,32", target="pixel-8"))


def test_names_of_a_signature_count(tmp_path: Path) -> None:
    """An app asks for ``sum`` and ``diff``; the tensors behind are called by the converter and lie in another order."""

    def both(a: Any, b: Any) -> Any:
        return {"sum": a + b, "diff": a - b}

    path = tflite(tmp_path / "m.tflite", both, (1, 4), (1, 4))
    shapes = "given_0=1,4", "given_1=1,4"
    for names, right in ((("diff", "sum"), True), (("sum", "diff"), False)):
        assert good(checked(path, "diff_and_sum", *shapes, target="pixel-8", outputs=names)) == right


def test_another_shape_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """LiteRT's own words are about tensor numbers."""
    path = tflite(tmp_path / "m.tflite", channels_last, (1, 32, 32, 3))
    with pytest.raises(UsageProblem, match=r"given_0.* \[1, 32, 32, 3\] does not fit the source's image float32"):
        checked(path, "classifier", "1,3,30,32", target="pixel-8")


def test_a_quantized_file_is_fed_as_an_app_feeds_it(tmp_path: Path) -> None:
    """Integer inputs and outputs that stand for real numbers, and indices that do not."""
    tf = load_tensorflow()

    def scores_and_best(images: Any) -> Any:
        scores = channels_last(images)
        return scores, tf.argmax(scores, 1, output_type=tf.int32)

    def examples() -> Any:
        for seed in range(20):
            yield [np.random.default_rng(seed).random((1, 32, 32, 3), np.float32)]

    path = tflite(
        tmp_path / "m.tflite",
        scores_and_best,
        (1, 32, 32, 3),
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=examples,
        inference_input_type=tf.int8,
        inference_output_type=tf.int8,
    )
    parity = checked(path, "scores_and_best", "1,3,32,32", target="pixel-8")
    assert parity.snr_db is not None
    assert parity.snr_db > 15


def test_a_target_of_another_format_is_refused(tmp_path: Path) -> None:
    """Its tolerances were set for other files, and the verdict would carry its name."""
    path = tmp_path / "m.tflite"
    path.write_bytes(b"")
    for artifact, target in ((path, "iphone-15"), (package_folder(tmp_path), "pixel-8")):
        with pytest.raises(UsageProblem, match="Give a target of the artifact's format"):
            checked(artifact, "flat", "1,16", target=target)


def package_folder(folder: Path) -> Path:
    path = folder / "m.mlpackage"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["m.tflite", "m.mlpackage"])
def test_a_damaged_artifact_is_refused_before_the_source_is_loaded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"TFL3") if name == "m.tflite" else path.mkdir()
    with pytest.raises(UsageProblem, match="damaged or cut off"):
        checked(path, "there_is_none", "1,16", target="pixel-8" if name == "m.tflite" else "ipad-pro-m4")
