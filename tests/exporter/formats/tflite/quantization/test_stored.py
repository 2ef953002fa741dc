"""Weights beside float activations: each layer has the type that mode, rules and recipe give it, and LiteRT runs it."""

from typing import Any

import numpy as np
import pytest
import torch

from exporter.compression.apply import apply_recipe
from exporter.compression.model import CompressionData
from exporter.compression.recipe import parse_recipe
from exporter.data.errors import ToolError, UsageProblem
from exporter.data.facts.hints import CompressionHints, WeightForm
from exporter.formats.tflite.conversion.file import parse, text
from tests.exporter.formats.tflite.quantization.networks import IMAGES, Made, converter, mixed, network, snr_of
from tests.exporter.formats.tflite.quantization.nibbles import unpacked

LAYERS = ("stem", "depthwise", "groups", "mix", "up", "head")


def types(**changed: str) -> dict[str, str]:
    """Every layer in the type ``rest``, but for those named."""
    rest = changed.pop("rest")
    return {layer: changed.get(layer, rest) for layer in LAYERS}


@pytest.mark.parametrize(
    ("settings", "wanted", "least_db"),
    [
        ({"mode": "float16"}, types(rest="float16"), 60),
        ({"mode": "dynamic_range"}, types(rest="int8"), 30),
        ({"weights": {"nbits": 4}}, types(rest="int8", stem="int4", mix="int4", head="int4"), 10),
        ({"rules": [{"op_name": "^mix$", "nbits": 4}]}, types(rest="float32", mix="int4"), 10),
        ({"rules": [{"op_type": "FULLY_CONNECTED", "keep": "float16"}]}, types(rest="float32", head="float16"), 60),
        (
            {
                "weights": {"nbits": 4},
                "rules": [
                    {"op_type": "CONV_2D", "nbits": 8},
                    {"op_name": "^mix$", "nbits": 4},
                    {"op_name": "^up$", "keep": "float16"},
                    {"op_name": "^stem$"},
                ],
            },
            {"stem": "float32", "depthwise": "int8", "groups": "int8", "mix": "int4", "up": "float16", "head": "int4"},
            10,
        ),
    ],
)
def test_every_layer_is_stored_as_asked(settings: dict[str, Any], wanted: dict[str, str], least_db: float) -> None:
    """Protects mixed files: later rules win, and layers without a 4-bit kernel have 8 bits."""
    made = Made(mixed(), **settings)
    assert made.dtypes() == wanted
    assert snr_of(made) > least_db


def test_what_has_8_bits_instead_of_4_is_said() -> None:
    (note,) = [note for note in Made(mixed(), weights={"nbits": 4}).notes if "8 bits" in note]
    assert note.startswith("3 weights of CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV have 8 bits instead of 4")


def test_small_weights_stay_float_unless_a_rule_names_them() -> None:
    """Protects the boundary of 1,024 elements, TensorFlow's own."""
    made = Made(converter(network(Tiny)), mode="dynamic_range")
    assert made.dtypes() == {"small": "float32", "large": "int8"}
    made = Made(converter(network(Tiny)), mode="dynamic_range", rules=[{"op_name": "small", "nbits": 8}])
    assert made.dtypes() == {"small": "int8", "large": "int8"}


class Tiny(torch.nn.Module):
    """One convolution of fewer than 1,024 weights and one of more."""

    def __init__(self) -> None:
        super().__init__()
        self.small = torch.nn.Conv2d(3, 32, 3, padding=1)
        self.large = torch.nn.Conv2d(32, 32, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """A map's means."""
        return self.large(torch.relu(self.small(image))).mean((2, 3))


@pytest.mark.parametrize("rule", [{"op_name": "^(depthwise|groups)$"}, {"op_type": "TRANSPOSE_CONV"}])
def test_4_bits_of_layers_that_cannot_have_them_are_refused(rule: dict[str, str]) -> None:
    with pytest.raises(UsageProblem, match=r"quantization\.rules\.0: .* cannot have 4-bit weights: .* Write nbits = 8"):
        Made(mixed(), mode="dynamic_range", rules=[{**rule, "nbits": 4}])


@pytest.mark.parametrize("mode", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
def test_a_pattern_that_matches_no_layer_is_refused_in_every_mode(mode: str) -> None:
    with pytest.raises(UsageProblem, match=r"rules\.0: op_name 'nothing' matches no layer; layers are named like stem"):
        Made(mixed(), mode=mode, rules=[{"op_name": "nothing"}])


def test_float16_keeps_constants_that_would_overflow() -> None:
    """Protects masks: -1e9 is minus infinity in float16, and minus infinity times zero is NaN."""

    class Masked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(12, 12)
            self.register_buffer("mask", torch.where(torch.arange(12) < 6, 0.0, -1e9))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.softmax(self.layer(image) + self.mask, -1)

    made = Made(converter(network(Masked)), mode="float16")
    assert np.isfinite(made.run()).all()
    assert {weight.dtype for weight in made.inspection.weights} >= {"float16", "float32"}


@pytest.mark.parametrize(("trained", "asked"), [(4, 4), (4, 8), (8, 8), (8, 4)])
def test_integers_of_a_recipe_reach_the_file_bit_for_bit(trained: int, asked: int) -> None:
    """Protects recipes: whatever the target's bits, the stored integers are those that were trained."""
    recipe = parse_recipe("test", {"steps": [{"method": "weight_quantization", "bits": trained}]})
    model = apply_recipe(network(), (torch.from_numpy(IMAGES[0]),), recipe, CompressionData((), None))
    made = Made(converter(model.module, model.hints), weights={"nbits": asked})
    stored, own = integers(made.content), dict(model.module.named_parameters())
    assert set(stored) == {form.name for form in model.hints.weights} == {f"{layer}.weight" for layer in LAYERS}
    for name, found in stored.items():
        weight = own[name].detach().numpy()
        assert np.array_equal(found, grid(weight.swapaxes(0, 1) if name == "up.weight" else weight, trained)), name
    narrow = trained == asked == 4
    assert made.dtypes() == types(rest="int8", **dict.fromkeys(("stem", "mix", "head"), "int4" if narrow else "int8"))


def test_grids_of_blocks_are_rounded_and_that_is_said() -> None:
    hints = CompressionHints(weights=(WeightForm(name="mix.weight", form="linear", bits=4, block_size=16),))
    made = Made(converter(network(), hints), mode="dynamic_range")
    assert any(note.startswith("1 weights were put on grids of blocks") for note in made.notes)
    assert made.dtypes()["mix"] == "int8"


def test_a_weight_that_left_its_grid_is_an_error() -> None:
    """Protects the promise above: rounding what a conversion changed would hide it."""
    hints = CompressionHints(weights=(WeightForm(name="mix.weight", form="linear", bits=4),))
    with pytest.raises(ToolError, match="the weight of mix is not on the 4-bit grid"):
        Made(converter(network(), hints), weights={"nbits": 4})


def grid(weight: np.ndarray[Any, Any], bits: int) -> np.ndarray[Any, Any]:
    """Grid coordinates, output channels first."""
    rows = weight.reshape(len(weight), -1)
    scale = np.abs(rows).max(1, keepdims=True) / np.float32(2 ** (bits - 1) - 1)
    return np.asarray(np.rint(rows / scale), np.int8).reshape(weight.shape)


def integers(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Stored integers of weights by name, in torch's layout, output channels first."""
    model = parse(content)
    found = {}
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is None or tensor.quantization.scale is None:
            continue
        data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
        size = int(np.prod(tensor.shape))
        values = data.view(np.int8) if len(data) == size else unpacked(data, size)
        values = np.moveaxis(values.reshape(tensor.shape), tensor.quantization.quantizedDimension, 0)
        name = text(tensor.name)
        found[name] = values if values.ndim == 2 else _torch_layout(values, depthwise=name == "depthwise.weight")
    return found


def _torch_layout(values: np.ndarray[Any, Any], *, depthwise: bool) -> np.ndarray[Any, Any]:
    """From OHWI, or O1HW of a depthwise weight."""
    return values if depthwise else values.transpose(0, 3, 1, 2)
