"""`check` for Core ML: what a translation without a conversion says of operators, systems and the Neural Engine."""

from typing import Any

import pytest

from exporter.data.facts.checks import OperatorCheck, OperatorFinding, Support
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.check.operators import check
from exporter.formats.coreml.settings import CoremlTarget
from tests.exporter.formats.checked import load_checked


def checked(model: str, **settings: Any) -> OperatorCheck:
    given = {"name": "t", "format": "coreml", "minimum_os": "iOS 17", **settings}
    return check(SourceGraph(load_checked(model), None, 1), CoremlTarget.model_validate(given))


def the(found: OperatorCheck, operator: str) -> OperatorFinding:
    return next(one for one in found.findings if one.operator == operator)


def test_an_operator_says_what_it_becomes_and_where_it_is() -> None:
    found = checked("plain")
    assert found.route == "trace"
    assert the(found, "relu").becomes == ("relu",)
    assert the(found, "relu").places == ("layer inner",)
    assert the(found, "_convolution").becomes == ("conv",)
    assert all(one.accelerator is None for one in found.findings)


def test_an_operator_of_a_newer_system_names_the_system() -> None:
    found = checked("pixel_unshuffle", minimum_os="iOS 15", route="trace")
    refused = the(found, "pixel_unshuffle")
    assert refused.support is Support.REFUSED
    assert "iOS 16" in refused.conversion.why
    assert "iOS 16" in refused.conversion.remedy
    assert "layer inner" in refused.places[0]
    assert checked("pixel_unshuffle", minimum_os="iOS 16", route="trace").findings[0].support is not Support.REFUSED


def test_a_later_route_that_takes_it_is_a_rewrite() -> None:
    found = checked("pixel_unshuffle", minimum_os="iOS 15")
    assert found.route == "export+rewritten"
    assert the(found, "pixel_unshuffle").support is Support.REWRITTEN


def test_what_stands_behind_a_refusal_is_not_checked_and_other_refusals_are_told() -> None:
    found = checked("two_refused")
    assert {one.operator for one in found.findings if one.support is Support.REFUSED} == {
        "digamma",
        "special_bessel_j0",
    }
    assert the(found, "tanh").support is Support.NOT_CHECKED


@pytest.mark.parametrize(("model", "operator"), [("own_translation", "addcmul"), ("swapped", "torch.swapaxes")])
def test_an_operator_that_this_program_computes_in_its_own_way_is_a_rewrite(model: str, operator: str) -> None:
    """By a translation of its own, or by other functions of torch before the trace."""
    found = the(checked(model), operator)
    assert found.support is Support.REWRITTEN
    assert found.places == ("layer inner",)


@pytest.mark.parametrize(
    ("units", "accelerator"),
    [("cpu_only", ""), ("all", ""), ("cpu_and_gpu", "GPU"), ("cpu_and_ne", "Neural Engine")],
)
def test_the_accelerator_is_the_targets(units: str, accelerator: str) -> None:
    found = checked("plain", compute_units=units)
    assert found.accelerator == accelerator
    assert all((one.accelerator is not None) == bool(accelerator) for one in found.findings)


def test_dilated_convolutions_fall_back_from_the_neural_engine() -> None:
    one = the(checked("dilated", compute_units="cpu_and_ne"), "_convolution")
    assert one.accelerator is not None
    assert one.accelerator.support is Support.CPU
    assert one.accelerator.source
    assert "dilat" in one.accelerator.why


def test_the_neural_engine_takes_no_float32() -> None:
    found = checked("plain", compute_units="cpu_and_ne", quantization={"precision": "float32"})
    assert {one.accelerator.support for one in found.findings if one.accelerator} == {Support.CPU}
