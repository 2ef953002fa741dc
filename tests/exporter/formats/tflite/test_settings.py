"""What a TFLite target may ask for: impossible combinations are refused with the reason and the remedy."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.formats.tflite.settings import TfliteQuantization, TfliteTarget


def target(quantization: dict[str, Any], **settings: str) -> TfliteTarget:
    base = {"name": "t", "format": "tflite", "minimum_os": "Android 12"}
    return TfliteTarget.model_validate({**base, **settings, "quantization": quantization})


def test_weights_alone_mean_float_activations() -> None:
    assert TfliteQuantization.model_validate({"weights": {"nbits": 4}}).mode == "dynamic_range"


@pytest.mark.parametrize(
    ("quantization", "settings", "reason"),
    [
        (
            {"weights": {"nbits": 4}},
            {"compute_units": "gpu"},
            "GPU delegate does not take 4-bit weights: use nbits",
        ),
        (
            {"weights": {"nbits": 4}},
            {"minimum_runtime": "LiteRT 1.0"},
            "4-bit weights need LiteRT 1.1, minimum",
        ),
        (
            {"rules": [{"op_name": "a", "nbits": 4}]},
            {"minimum_runtime": "TFLite 2.17"},
            "4-bit weights need LiteRT 1.1",
        ),
        (
            {"mode": "dynamic_range"},
            {"minimum_runtime": "TFLite 2.16"},
            "need TFLite 2.17, minimum_runtime is",
        ),
        ({"mode": "int16x8"}, {"compute_units": "gpu"}, "the GPU delegate does not take int16 activations: use mode"),
        ({}, {"minimum_runtime": "2.1"}, "'2.1' is not a runtime with a version, such as 'LiteRT 2.1'"),
        ({"mode": "int8", "weights": {"nbits": 4}}, {}, "weights are for mode 'dynamic_range' and not for 'int8'"),
        ({"mode": "int8", "rules": [{"op_name": "a", "nbits": 8}]}, {}, r"rules\.0: layers of mode 'int8' can be kept"),
        (
            {"mode": "int8", "rules": [{"op_name": "a", "keep": "float16"}]},
            {},
            "can be kept in float32 and nothing",
        ),
        ({"rules": [{"op_name": "a", "nbits": 8, "keep": "float16"}]}, {}, "give one of keep and nbits"),
        ({"weights": {"nbits": 6}}, {}, "Input should be 8 or 4"),
    ],
)
def test_what_cannot_be_is_refused(quantization: dict[str, Any], settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        target(quantization, **settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, 'suppression = "detection_postprocess" is for postprocessing = "nms", and it is "none"'),
        ({"postprocessing": "decoding"}, 'is for postprocessing = "nms", and it is "decoding"'),
        (
            {"postprocessing": "nms", "minimum_runtime": "TFLite 2.13"},
            'Detection_PostProcess need TFLite 2.14, minimum_runtime is TFLite 2.13: use suppression = "builtin"',
        ),
    ],
)
def test_a_custom_operator_that_a_target_cannot_have_is_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        target({}, suppression="detection_postprocess", **settings)


@pytest.mark.parametrize("unit", ["cpu", "gpu", "npu"])
def test_a_custom_operator_runs_on_the_processor_beside_any_accelerator(unit: str) -> None:
    made = target({}, suppression="detection_postprocess", postprocessing="nms", compute_units=unit)
    assert made.suppression == "detection_postprocess"


@pytest.mark.parametrize("runtime", ["LiteRT 1.1", "LiteRT 2.1"])
def test_newer_runtimes_take_what_older_ones_took(runtime: str) -> None:
    assert target({"weights": {"nbits": 4}}, minimum_runtime=runtime).quantization.weight_bits == 4
    assert target({"mode": "dynamic_range"}, minimum_runtime=runtime).quantization.weight_bits == 8
