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
from exporter.formats.coreml.reference import UnsupportedOpError
from exporter.formats.coreml.runner import CoremlRunner
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.session import Conversion, ConversionSession
from tests.exporter.formats.common.by_hand import source_of

TRACE, CORE_OPERATORS = "torch.jit.trace", "torch.jit.trace of torch's core operators"


def network(scale: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    last = nn.Conv2d(4, 2, 1)
    with torch.no_grad():
        last.weight.mul_(scale)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), last).eval()


def traced(module: nn.Module) -> Any:
    return torch.jit.trace(module, torch.zeros(1, 3, 8, 8))


def converted(folder: Path, **settings: Any) -> Conversion:
    target = CoremlTarget.model_validate({"name": "t", "format": "coreml", "minimum_os": "iOS 18", **settings})
    return ConversionSession(source_of(network(), {"x": (1, 3, 8, 8)}), None, 1).convert(target, folder)


@pytest.fixture
def wrong_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace that holds something else than the source."""
    monkeypatch.setattr(SourceGraph, "traced", traced(network(1.05)))


def test_a_right_program_is_taken_without_a_word(tmp_path: Path) -> None:
    conversion = converted(tmp_path)
    assert (conversion.route, conversion.notes) == (TRACE, ())


@pytest.mark.usefixtures("wrong_trace")
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_wrong_route_is_replaced_by_a_right_one_and_named(tmp_path: Path, precision: str) -> None:
    conversion = converted(tmp_path, quantization={"precision": precision})
    assert conversion.route == CORE_OPERATORS
    (note,) = conversion.notes
    assert note.startswith(f"{TRACE} was passed over: what it gave computes something else than the source")


@pytest.mark.usefixtures("wrong_trace")
def test_the_first_wrong_layer_is_named_where_no_route_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceGraph, "decomposed", lambda self, dividing: traced(network(1.05)))
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


@pytest.mark.usefixtures("wrong_trace")
def test_a_wrong_program_is_kept_where_its_layers_cannot_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no pairs")

    monkeypatch.setattr(SourceGraph, "decomposed", lambda self, dividing: traced(network(1.05)))
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
