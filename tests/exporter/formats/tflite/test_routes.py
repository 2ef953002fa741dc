"""A float TFLite model is run once before it is used: a wrong one is replaced, or the wrong operator is named."""

import copy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from exporter.data.errors import UsageProblem
from exporter.formats.common.refusals import layer_path
from exporter.formats.common.routes import least_snr
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.session import ConversionSession
from exporter.formats.tflite.conversion.builders.direct import direct
from exporter.formats.tflite.conversion.converter import TfliteConverter
from exporter.formats.tflite.settings import TfliteTarget
from tests.exporter.formats.common.by_hand import Shapes, source_of, tflite_snr

TARGET = TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12"})
SHAPES: Shapes = {"x": (1, 4, 6, 5)}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 3, 3, padding=1), nn.ReLU(), nn.Sequential(nn.Conv2d(3, 2, 1), nn.Sigmoid()))


def wrong_sigmoid(onnx_model: Any, inputs: Any, layout: str) -> bytes:
    """A builder with a fault: what it makes of a Sigmoid is 5 % too large."""
    model = copy.deepcopy(onnx_model)
    graph = model.graph
    for index, node in enumerate(list(graph.node)):
        if node.op_type == "Sigmoid":
            right, wrong = f"{node.output[0]}/right", node.output[0]
            node.output[0] = right
            graph.initializer.append(numpy_helper.from_array(np.array(1.05, np.float32), "too_much"))
            graph.node.insert(index + 1, helper.make_node("Mul", [right, "too_much"], [wrong], name="fault"))
    return direct(model, inputs, layout)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.formats.tflite.conversion.routes.direct", wrong_sigmoid)


@pytest.mark.usefixtures("faulty")
def test_a_wrong_route_is_replaced_by_a_right_one_and_named_beside_it(tmp_path: Path) -> None:
    conversion = ConversionSession(source_of(network(), SHAPES), None, 1).convert(TARGET, tmp_path)
    assert conversion.route == "trace+exact"
    (note,) = conversion.notes  # 1 / 0.05
    assert note == "trace+direct was passed over: what it gave computes something else than the source, 26 dB on noise"


@pytest.mark.usefixtures("faulty")
def test_the_first_wrong_operator_is_named_where_no_route_is_right(tmp_path: Path) -> None:
    forced = TARGET.model_copy(update={"route": "trace+direct"})
    conversion = ConversionSession(source_of(network(), SHAPES), None, 1).convert(forced, tmp_path)
    assert conversion.path.exists()
    (note,) = conversion.notes
    assert "no route gave a TFLite model that computes what the source computes: 26 dB" in note
    assert "The first wrong operator is Sigmoid in layer 2.1." in note


@pytest.mark.parametrize("route", ["trace+direct", "trace+exact", "trace+tensorflow", "dynamo+direct"])
def test_a_forced_route_is_the_one_that_is_taken_and_is_right(tmp_path: Path, route: str) -> None:
    """Protects every builder: alone, it makes the network that it is given, and says its name."""
    forced = TARGET.model_copy(update={"route": route})
    conversion = ConversionSession(source_of(network(), SHAPES), None, 1).convert(forced, tmp_path)
    assert (conversion.route, conversion.notes) == (route, ())


def test_a_route_from_another_kind_of_source_is_refused_with_those_of_this_one(tmp_path: Path) -> None:
    forced = TARGET.model_copy(update={"route": "onnx+direct"})
    with pytest.raises(UsageProblem, match=r"route onnx.direct does not start .* its routes are trace.direct"):
        ConversionSession(source_of(network(), SHAPES), None, 1).convert(forced, tmp_path)


@pytest.mark.usefixtures("faulty")
def test_an_export_that_computes_something_else_is_named(tmp_path: Path) -> None:
    graph = SourceGraph(source_of(network(), SHAPES), None, 1)
    model = graph.onnx_forms["trace"]()
    for item in model.graph.initializer:
        if item.name.endswith("bias"):
            item.CopyFrom(numpy_helper.from_array(np.ones(item.dims, np.float32), item.name))

    forced = TARGET.model_copy(update={"route": "trace+direct"})
    (note,) = TfliteConverter(graph).convert(forced, tmp_path / "a.tflite", tmp_path / "b.tflite").notes
    assert "The ONNX export itself computes something else than PyTorch does" in note


def test_nodes_of_both_exporters_are_named_after_their_layers() -> None:
    """Protects errors and layer names: whichever way the ONNX came, a node says which layer it is of."""
    forms = SourceGraph(source_of(network(), SHAPES), None, 1).onnx_forms
    for form in ("trace", "dynamo"):
        kinds = {node.op_type: layer_path(node.name) for node in forms[form]().graph.node}
        assert kinds == {"Conv": "2.0", "Relu": "1", "Sigmoid": "2.1"}, form


@pytest.mark.parametrize(
    ("found", "expected", "decibels"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]], 200),
        ([[1.0, 0.0]], [[1.0, 0.1]], 20.04),  # 1.01 / 0.01
        ([[1.0, 2.0]], [[[1.0], [2.0]]], -np.inf),
        ([[1.0, np.nan]], [[1.0, 2.0]], -np.inf),
        ([[1.0, -np.inf]], [[1.0, -np.inf]], 200),
        ([[0.0, 0.1]], [[0.0, 0.0]], -np.inf),
        ([[1.0], [1.0]], [[1.0], [1.5]], 9.54),  # the worst output: 2.25 / 0.25
    ],
)
def test_the_check_sees_every_output(found: Any, expected: Any, decibels: float) -> None:
    arrays = ([np.array(value) for value in values] for values in (found, expected))
    assert least_snr(*arrays) == pytest.approx(decibels, abs=0.01)


@pytest.mark.parametrize("route", ["trace+direct", "trace+exact"])
def test_gelu_is_one_operator_and_layers_keep_their_names(tmp_path: Path, route: str) -> None:
    """Protects latency: TFLite has GELU, and the exporter writes five operators."""
    module = nn.Sequential(nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 6), nn.GELU(approximate="tanh"))
    forced = TARGET.model_copy(update={"route": route})
    inspection = ConversionSession(source_of(module, {"x": (1, 6)}), None, 1).convert(forced, tmp_path).inspection
    assert inspection.ops_by_type() == {"FULLY_CONNECTED": 2, "GELU": 2}
    assert {item.layer for item in inspection.weights if item.kind == "weight"} == {"0", "2"}


@pytest.mark.parametrize("route", ["trace+direct", "trace+exact"])
def test_a_convolution_network_has_no_transposes(tmp_path: Path, route: str) -> None:
    """Protects latency: channels stay last from one operator to the next, through sums, joins and pools."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.left, self.right = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(8, 8, 1)
            self.norm, self.slope, self.head = nn.BatchNorm2d(16), nn.PReLU(16), nn.Linear(16, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.stem(x))
            right = nn.functional.interpolate(self.right(x)[:, :, ::2, ::2], scale_factor=2)
            x = torch.cat([self.left(x) + x, right], 1)
            return self.head(self.slope(self.norm(x)).mean((2, 3)))

    torch.manual_seed(0)
    forced = TARGET.model_copy(update={"route": route})
    conversion = ConversionSession(source_of(Net().eval(), {"x": (1, 3, 16, 24)}), None, 1).convert(forced, tmp_path)
    # One: this input is no image to the program, so it comes with channels first.
    assert conversion.inspection.ops_by_type().get("TRANSPOSE", 0) == 1


@pytest.mark.parametrize(
    ("other", "route"), [("tanh", "trace+direct"), ("none", "trace+exact")], ids=["one form", "both forms"]
)
def test_gelus_of_maps_keep_their_form(tmp_path: Path, other: Literal["tanh", "none"], route: str) -> None:
    """Protects the numbers: tanh and erf are 57 dB apart, and the direct builder renames what a map's GELU writes."""
    shapes: Shapes = {"x": (1, 3, 9, 11)}
    torch.manual_seed(0)
    last = nn.Conv2d(8, 4, 3)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU("tanh"), nn.Conv2d(8, 8, 3), nn.GELU(other), last)
    assert tflite_snr(module, shapes, tmp_path) > 100
    assert ConversionSession(source_of(module, shapes), None, 1).convert(TARGET, tmp_path).route == route


class Joined(nn.Module):
    """A batch norm and a PReLU that no convolution takes in, and a mean over the map."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.norm = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(16)
        self.slope, self.norm.running_var = nn.PReLU(16), torch.rand(16) + 0.5
        self.norm.running_mean = torch.randn(16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.slope(self.norm(torch.cat([self.left(x), self.right(x)], 1))).mean((2, 3))


@pytest.mark.parametrize("route", ["trace+direct", "dynamo+direct"])
def test_a_lone_batch_norm_and_a_mean_leave_channels_last(tmp_path: Path, route: str) -> None:
    """Protects latency: DenseNet-121 had 119 transposes. Means have their axes in an attribute or an input."""
    torch.manual_seed(0)
    shapes: Shapes = {"x": (1, 3, 9, 11)}
    assert tflite_snr(Joined(), shapes, tmp_path) > 100
    forced = TARGET.model_copy(update={"route": route})
    found = ConversionSession(source_of(Joined(), shapes), None, 1).convert(forced, tmp_path).inspection.ops_by_type()
    assert found["TRANSPOSE"] == 1  # of the input, which is no image to the program


def test_a_mean_over_a_map_leaves_the_activation_with_its_convolution(tmp_path: Path) -> None:
    """Protects latency, and int8: what a convolution takes in is not quantized on its own."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.stem(x)).mean((2, 3)))

    torch.manual_seed(0)
    conversion = ConversionSession(source_of(Net(), {"x": (1, 3, 6, 9)}), None, 1).convert(TARGET, tmp_path)
    assert conversion.route == "trace+direct"
    assert "RELU" not in conversion.inspection.ops_by_type()


@pytest.mark.slow
def test_one_source_gives_every_variant_after_another_format_came_between(tmp_path: Path) -> None:
    """Protects int8 after float and Core ML: a function outlives the model that it was made of."""
    import gc

    from exporter.formats.coreml.settings import CoremlTarget
    from exporter.formats.tflite.settings import TfliteQuantization
    from exporter.verification.noise import noise

    source = source_of(network(), SHAPES)
    session = ConversionSession(source, noise(source.description.inputs, {}), 4)
    session.convert(TARGET, tmp_path)
    session.convert(CoremlTarget.model_validate({"name": "c", "format": "coreml", "minimum_os": "iOS 17"}), tmp_path)
    gc.collect()
    quantized = TARGET.model_copy(update={"quantization": TfliteQuantization(mode="int8")})
    assert session.convert(quantized, tmp_path).path.stat().st_size > 0
