"""`check` for TFLite: what onnx2tf's registry and the GPU delegate say of operators."""

from typing import Any

import pytest

from exporter.data.facts.checks import OperatorCheck, OperatorFinding, Support
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.tflite.check.by_tensorflow import seen_by_tensorflow
from exporter.formats.tflite.check.lowering import lower
from exporter.formats.tflite.check.operators import check
from exporter.formats.tflite.check.placement import Placement, ranks
from exporter.formats.tflite.settings import TfliteTarget
from tests.exporter.formats.checked import load_checked


def target(**settings: Any) -> TfliteTarget:
    return TfliteTarget.model_validate({"name": "t", "format": "tflite", "minimum_os": "Android 12", **settings})


def checked(model: str, **settings: Any) -> OperatorCheck:
    return check(SourceGraph(load_checked(model), None, 1), target(**settings))


def the(found: OperatorCheck, operator: str) -> OperatorFinding:
    return next(one for one in found.findings if one.operator == operator)


def test_an_operator_says_what_it_becomes_and_where_it_is() -> None:
    found = checked("plain")
    assert found.route == "trace+direct"
    assert the(found, "Relu").becomes == ("RELU",)
    assert the(found, "Relu").places == ("layer inner",)
    assert the(found, "Conv").becomes == ("CONV_2D",)
    assert all(one.accelerator is None for one in found.findings)


def test_the_lowering_sees_every_node_and_what_it_computes_with() -> None:
    source = SourceGraph(load_checked("plain"), None, 1)
    found = lower(source.onnx_forms["trace"](), source.description.inputs, "NHWC")
    assert not found.refused
    convolution = next(one for made in found.operators.values() for one in made if one.kind == "CONV_2D")
    assert [operand.constant for operand in convolution.inputs] == [False, True, True]
    assert convolution.outputs[0].shape == (1, 8, 8, 4)


def test_an_operator_that_no_route_takes_is_refused_with_its_place() -> None:
    found = checked("digamma")
    (refused,) = (one for one in found.findings if one.support is Support.REFUSED)
    assert refused.operator == "digamma"
    assert "layer inner" in refused.places[0]
    assert refused.conversion.remedy
    assert not found.route


def test_one_route_alone_is_looked_at_where_it_is_asked_for() -> None:
    found = checked("unique", route="trace+direct")
    assert the(found, "Unique").support is Support.REFUSED


def test_the_gpu_delegate_takes_at_most_four_dimensions() -> None:
    one = the(checked("five_dimensions", compute_units="gpu"), "Reshape")
    assert one.accelerator is not None
    assert one.accelerator.support is Support.CPU
    assert one.accelerator.source.startswith("https://")
    taken = the(checked("plain", compute_units="gpu"), "Conv").accelerator
    assert taken is not None
    assert taken.support is Support.SUPPORTED


def test_a_model_that_the_builder_fails_on_as_a_whole_is_refused_and_no_fault() -> None:
    """Its layout cannot be prepared, for nothing in it depends on the input; a conversion refuses it likewise."""
    found = checked("constant", route="trace+direct")
    assert [one.support for one in found.findings] == [Support.REFUSED]
    assert found.findings[0].operator == "the model"


def test_of_an_npu_nothing_is_known() -> None:
    found = checked("plain", compute_units="npu")
    assert {one.accelerator.support for one in found.findings if one.accelerator} == {Support.NOT_CHECKED}


@pytest.mark.parametrize(
    ("suppression", "unit", "support"),
    [
        ("builtin", "gpu", Support.CPU),
        ("detection_postprocess", "gpu", Support.CPU),
        ("detection_postprocess", "npu", Support.NOT_CHECKED),
        ("detection_postprocess", "cpu", None),
    ],
)
def test_suppression_behind_the_model_is_the_processors(suppression: str, unit: str, support: Support | None) -> None:
    found = checked("plain", compute_units=unit, postprocessing="nms", suppression=suppression)
    (own,) = (one for one in found.findings if one.places == ("behind the model",))
    assert own.operator == {"builtin": "TOPK_V2"}.get(suppression, "TFLite_Detection_PostProcess")
    assert own.conversion.support is Support.SUPPORTED
    assert ("custom operator" in own.conversion.why) == (suppression != "builtin")
    assert (own.accelerator.support if own.accelerator else None) is support


@pytest.mark.slow
def test_what_the_direct_builder_refuses_is_converted_alone_by_the_others() -> None:
    source = SourceGraph(load_checked("plain"), None, 1)
    model = source.onnx_forms["trace"]()
    refused = [node.name for node in model.graph.node if node.op_type == "Relu"]
    for builder in ("exact", "tensorflow"):
        seen = seen_by_tensorflow(builder, model, source, "NHWC", refused, Placement(target()))
        (relu,) = (one for one in seen.operators if one.operator == "Relu")
        assert relu.support is Support.REWRITTEN
        assert relu.becomes == ("RELU",)
        assert not seen.refused


@pytest.mark.slow
def test_where_nobody_knows_what_is_refused_nothing_is_promised() -> None:
    source = SourceGraph(load_checked("plain"), None, 1)
    model = source.onnx_forms["trace"]()
    seen = seen_by_tensorflow("exact", model, source, "NHWC", (), Placement(target()))
    assert {one.support for one in seen.operators} == {Support.NOT_CHECKED}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((1, 8, 8, 4), (1, 8, 8, 4), "alike"),
        ((1, 8, 8, 4), (4,), "alike"),
        ((8, 8, 4), (1, 8, 8, 4), "broadcast"),
        ((2, 8, 8, 4), (8, 8, 4), "other"),
        ((1, 8, 8, 4), (1, 1), "broadcast"),
        ((2, 8, 8, 4), (2, 4), "broadcast"),
        ((2, 8, 4), (2, 4), "other"),
    ],
)
def test_broadcasts_of_the_gpu_delegate(one: tuple[int, ...], other: tuple[int, ...], expected: str) -> None:
    """As LiteRT's ``CheckAddMulBroadcastCompatibility`` has them."""
    assert ranks(one, other) == ranks(other, one) == expected
