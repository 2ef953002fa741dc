"""A float program is run once before it is used: a wrong one is replaced, named, or said to be unchecked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from exporter.data.errors import ToolError, UsageProblem
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion import check
from exporter.formats.coreml.conversion.graphs import graphs
from exporter.formats.coreml.reference import UnsupportedOpError
from exporter.formats.coreml.runner import CoremlRunner
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.session import Conversion, ConversionSession
from tests.exporter.formats.common.by_hand import source_of

TRACE, EXPORT, REWRITTEN, CORE = "trace", "export", "export+rewritten", "trace+core"


def network(scale: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    last = nn.Conv2d(4, 2, 1)
    with torch.no_grad():
        last.weight.mul_(scale)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), last).eval()


def another(source: SourceGraph, *, dividing: bool) -> graphs.Graph:
    """A graph of something else than the source."""
    wrong = torch.jit.trace(network(1.05), torch.zeros(1, 3, 8, 8))
    return graphs.Graph(wrong, lambda operator: "")


def refused(source: SourceGraph, *, dividing: bool) -> graphs.Graph:
    raise ToolError("the model cannot be traced: no such thing. Its forward must run on tensors.")


def without(monkeypatch: pytest.MonkeyPatch, instead: Any, *routes: str) -> None:
    for route in routes:
        monkeypatch.setitem(graphs.ROUTES, route, instead)  # type: ignore[misc]


def converted(folder: Path, **settings: Any) -> Conversion:
    target = CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": "iOS 18", **settings})
    return ConversionSession(source_of(network(), {"x": (1, 3, 8, 8)}), None, 1).convert(target, folder)


@pytest.fixture
def wrong_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace that holds something else than the source."""
    without(monkeypatch, another, TRACE)


def test_a_right_program_is_taken_without_a_word(tmp_path: Path) -> None:
    conversion = converted(tmp_path)
    assert (conversion.route, conversion.notes) == (TRACE, ())


@pytest.mark.usefixtures("wrong_trace")
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_wrong_route_is_replaced_by_a_right_one_and_named(tmp_path: Path, precision: str) -> None:
    conversion = converted(tmp_path, quantization={"precision": precision})
    assert conversion.route == EXPORT
    (note,) = conversion.notes
    assert note.startswith(f"{TRACE} was passed over: what it gave computes something else than the source")


def test_the_first_wrong_layer_is_named_where_no_route_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, another, TRACE, EXPORT, REWRITTEN, CORE)
    (note,) = converted(tmp_path).notes
    assert note.startswith("no route gave a Core ML model that computes what the source computes: 2")
    assert "The first wrong layer is 2 (Conv2d)." in note


def test_a_program_that_cannot_be_evaluated_is_said_to_be_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise UnsupportedOpError("main[3] has the operation 'rare', which this evaluator refuses")

    monkeypatch.setattr(check, "CoremlRunner", refuse)
    conversion = converted(tmp_path)
    assert conversion.route == TRACE
    (note,) = conversion.notes
    assert note.startswith(f"what {TRACE} gave was not checked against the source: main[3] has the operation 'rare'")


@pytest.mark.parametrize(
    "error", [RuntimeError("sizes differ"), UsageProblem("no such output"), ToolError("it failed")]
)
def test_what_keeps_a_program_from_being_run_does_not_lose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A fault of the evaluator is none of the artifact; whoever verifies it is told."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(CoremlRunner, "__call__", fail)
    (note,) = converted(tmp_path).notes
    assert note == f"what {TRACE} gave was not checked against the source: it could not be run here: {error}"
    assert (tmp_path / "Model.mlpackage").exists()


def test_a_wrong_program_is_kept_where_its_layers_cannot_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no pairs")

    without(monkeypatch, another, TRACE, EXPORT, REWRITTEN, CORE)
    monkeypatch.setattr(check, "compare_layers", fail)
    (note,) = converted(tmp_path).notes
    assert "Its layers could not be compared: no pairs. Write it in another way" in note


def test_pictures_are_compared_with_the_pixels_that_they_hold(load: Callable[..., Any], tmp_path: Path) -> None:
    """Protects the image input: noise between two pixels, or beyond white, is no fault of the program."""
    target = CoremlTarget.model_validate(
        {"name": "t", "format": "coreml", "minimum_os": "iOS 18", "input_kind": "image"}
    )
    session = ConversionSession(load(std=(0.2, 0.25, 0.3), mean=(0.4, 0.5, 0.6)), None, 1)
    conversion = session.convert(target, tmp_path)
    assert (conversion.route, conversion.notes) == (TRACE, ())


@pytest.mark.parametrize("route", [TRACE, EXPORT, REWRITTEN, CORE])
def test_every_route_alone_gives_a_right_program(tmp_path: Path, route: str) -> None:
    conversion = converted(tmp_path, route=route)
    assert (conversion.route, conversion.notes) == (route, ())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_why_earlier_routes_were_not_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    routes = (TRACE, EXPORT, REWRITTEN, CORE)
    without(monkeypatch, refused, *routes[:count])
    conversion = converted(tmp_path)
    assert conversion.route == routes[count]
    assert conversion.notes == tuple(
        f"{route} was passed over: the model cannot be traced: no such thing" for route in routes[:count]
    )


def test_a_model_converts_where_torch_has_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from the end of ``torch.jit.trace``: pictures, layers and digests have another way."""
    monkeypatch.delattr(torch.jit, "trace")
    assert converted(tmp_path).route == EXPORT


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("route", [EXPORT, REWRITTEN])
def test_an_exported_program_divides_pictures(
    load: Callable[..., Any], tmp_path: Path, route: str, precision: str
) -> None:
    settings = {"minimum_os": "iOS 18", "input_kind": "image", "route": route, "quantization": {"precision": precision}}
    target = CoremlTarget.model_validate({"name": "t", "format": "coreml", **settings})
    session = ConversionSession(load(std=(0.2, 0.25, 0.3), mean=(0.4, 0.5, 0.6)), None, 1)
    assert session.convert(target, tmp_path).notes == ()


def test_an_exported_program_keeps_its_layers(tmp_path: Path) -> None:
    """Rules, recipes and comparisons go by layer, whatever the route."""
    layers = {weight.layer for weight in converted(tmp_path, route=EXPORT).inspection.weights}
    assert layers == {"_0", "_2"}
