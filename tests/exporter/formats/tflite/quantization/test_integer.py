"""int8 and int16x8: calibrated once, by TensorFlow's two modules alone, with layers kept in float by rule."""

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from exporter.data.errors import UsageProblem
from exporter.formats.tflite.quantization.quantizer import Quantizer
from exporter.formats.tflite.settings import TfliteQuantization
from tests.exporter.formats.tflite.quantization.networks import IMAGES, Made, mixed, snr_of


def float_ops(made: Made) -> Counter[str]:
    """Operators that compute in float32, but for those that turn integers to float and back."""
    own = [op.type for op in made.inspection.ops if op.dtype == "float32" and op.type not in ("QUANTIZE", "DEQUANTIZE")]
    return Counter(own)


@pytest.mark.parametrize(("mode", "least_db"), [("int8", 20), ("int16x8", 30)])
@pytest.mark.parametrize(
    ("rules", "floats"),
    [
        ([], {}),
        ([{"op_name": "^head$"}], {"FULLY_CONNECTED": 1}),
        ([{"op_type": "DEPTHWISE_CONV_2D", "keep": "float32"}], {"DEPTHWISE_CONV_2D": 1}),
        ([{"op_name": "^(groups|mix)$"}, {"op_type": "FULLY_CONNECTED"}], {"CONV_2D": 2, "FULLY_CONNECTED": 1}),
    ],
)
def test_layers_stay_in_float_by_rule(
    mode: str, least_db: float, rules: list[dict[str, str]], floats: dict[str, int]
) -> None:
    """Protects int16x8, whose quantizer knows no such rule: the rest must not lose its 16 bits."""
    made = Made(mixed(), mode=mode, rules=rules)
    assert float_ops(made) == floats
    assert snr_of(made) > least_db
    assert made.inspection.bytes_by_dtype().get("int64", 0) > 0 or mode == "int8"


def test_neighbours_in_float_pass_float_on() -> None:
    """Protects what lies between two float layers from being rounded for nothing."""
    alone = Made(mixed(), mode="int16x8", rules=[{"op_name": "^groups$"}])
    both = Made(mixed(), mode="int16x8", rules=[{"op_name": "^(groups|mix)$"}])
    bridges = [sum(op.type in ("QUANTIZE", "DEQUANTIZE") for op in made.inspection.ops) for made in (alone, both)]
    assert bridges[0] == bridges[1]


def test_integer_inputs_and_outputs_of_int16x8() -> None:
    made = Made(mixed(), mode="int16x8", input_type="int16", output_type="int16")
    assert [fact.dtype for fact in (*made.inspection.inputs, *made.inspection.outputs)] == ["int16", "int16"]


def test_calibration_runs_once_for_all_variants(float_file: bytes) -> None:
    drawn: list[int] = []

    def examples() -> list[Any]:
        drawn.append(len(IMAGES))
        return [(image,) for image in IMAGES]

    quantizer = Quantizer(float_file, examples=examples)
    for settings in ({"mode": "int8"}, {"mode": "int16x8"}, {"mode": "int8", "granularity": "per_tensor"}):
        assert quantizer.variant(TfliteQuantization.model_validate(settings)).content
    assert drawn == [len(IMAGES)]


def test_without_data_the_option_is_named(float_file: bytes) -> None:
    with pytest.raises(UsageProblem, match="give --calibration"):
        Quantizer(float_file).variant(TfliteQuantization(mode="int8"))


def test_the_given_file_is_not_changed(float_file: bytes) -> None:
    """Protects the other variants, which are made of the same bytes."""
    before = bytes(bytearray(float_file))
    quantizer = Quantizer(float_file, examples=lambda: [(image,) for image in IMAGES])
    for mode in ("float16", "dynamic_range", "int8", "int16x8"):
        quantizer.variant(TfliteQuantization.model_validate({"mode": mode}))
    assert quantizer.content == before


def test_quantizing_does_not_import_tensorflow() -> None:
    """Protects the time of an import."""
    program = (
        "import sys\n"
        "from exporter.formats.tflite.quantization.native import load_calibration, load_converter\n"
        "load_calibration(); load_converter()\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('tensorflow', 'keras')))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines()[-1] == str(
        [
            "tensorflow.compiler.mlir.lite.python._pywrap_converter_api",
            "tensorflow.lite.python._pywrap_tensorflow_lite_calibration_wrapper",
        ]
    )


def test_triton_can_be_imported_after_quantizing() -> None:
    """Protects `torch.export` in the same process: the whole of TensorFlow before Triton crashes it."""
    pytest.importorskip("triton")
    program = (
        "from exporter.formats.tflite.quantization.native import load_calibration\n"
        "load_calibration()\n"
        "import triton, torch\n"
        "torch.export.export(torch.nn.Linear(3, 4), (torch.randn(1, 3),))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def float_file() -> bytes:
    return Made(mixed()).content
