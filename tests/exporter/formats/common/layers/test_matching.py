"""Calls of modules find the operations that stand for them, and nothing is guessed where none does."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from exporter.data.facts.layers import MODEL, Layers
from exporter.formats.common.layers.calls import Call, record_calls
from exporter.formats.common.layers.compare import compare_calls
from exporter.formats.common.layers.observed import BY_NAME, BY_WEIGHTS, Observed, Vocabulary

WORDS = Vocabulary(
    kinds={"Conv": frozenset({"conv"}), "Linear": frozenset({"linear"}), "MaxPool": frozenset({"pool"})},
    activations=frozenset({"relu"}),
    containers=frozenset({"add"}),
)


def _noise(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _call(
    module: str, kind: str, value: Any, *, number: int = 1, follows: bool = True, container: bool = False
) -> Call:
    return Call(module, kind, container, number, follows, value)


def _seen(
    operation: str, value: Any, layer: str = "", known_by: str = BY_NAME, key: str = "", **facts: Any
) -> Observed:
    return Observed(key, key, operation, "here", value, layer, known_by if layer else "", layer, **facts)


def _found(calls: Sequence[Call], values: Sequence[Observed], reads: dict[str, list[str]] | None = None) -> Layers:
    return compare_calls(calls, values, WORDS, reads)


class Block(nn.Module):
    """One convolution called twice, a normalization, a residual; dropout and a wrapper compute nothing."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.drop, self.wrapper = nn.Dropout(), nn.Sequential(nn.Conv2d(4, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.drop(self.act(self.norm(self.conv(x))))
        return self.wrapper(x + self.conv(first))


def test_calls_are_recorded_with_the_value_that_each_gave() -> None:
    """A module that works in place changes what the one before gave; a module has as many calls as it was called."""
    calls = record_calls(Block().eval(), [torch.from_numpy(_noise(0, 1, 4, 5, 5))])
    assert [(call.module, call.number) for call in calls] == [
        ("conv", 1),
        ("norm", 1),
        ("act", 1),
        ("conv", 2),
        ("wrapper.0", 1),
        (MODEL, 1),
    ]
    assert calls[1].value.min() < 0 <= calls[2].value.min()
    assert [call.follows for call in calls] == [False, True, True, True, False, False]


def test_a_layer_stands_with_what_was_folded_into_it() -> None:
    """The activation is the operation's own; the normalization shows in the numbers."""
    conv, norm, act = _noise(0, 1, 4, 5, 5), _noise(1, 1, 4, 5, 5), np.maximum(_noise(1, 1, 4, 5, 5), 0)
    calls = [_call("c", "Conv2d", conv), _call("n", "BatchNorm2d", norm), _call("a", "ReLU", act)]
    for value, facts, kind in (
        (conv, {}, "Conv2d"),
        (norm, {}, "Conv2d, BatchNorm2d"),
        (act, {"activation": lambda one: np.maximum(one, 0)}, "Conv2d, BatchNorm2d, ReLU"),
        (act, {"may_clip": True}, "Conv2d, BatchNorm2d, ReLU"),
        (_noise(9, 1, 4, 5, 5), {}, "Conv2d, BatchNorm2d"),  # wrong: converters fold what they can
    ):
        (layer,) = _found(calls, [_seen("conv", value, "c", **facts)]).compared
        assert (layer.module, layer.kind) == ("c", kind)


def test_an_activation_without_a_module_is_applied_to_the_source() -> None:
    value = _noise(0, 1, 6)
    found = _seen("linear", np.maximum(value, 0), "l", activation=lambda one: np.maximum(one, 0))
    (layer,) = _found([_call("l", "Linear", value)], [found]).compared
    assert layer.snr_db == math.inf


def test_axes_that_lie_elsewhere_are_found_and_said() -> None:
    """Also where lengths are equal and only the numbers tell."""
    value = _noise(0, 1, 6, 6, 6)
    for moved, words in (
        (value, ""),
        (np.moveaxis(value, 1, -1), "channels last"),
        (np.moveaxis(value, -1, 1), "channels first"),
        (value.transpose(0, 1, 3, 2), "axes in the order 0, 2, 1"),
    ):
        (layer,) = _found([_call("c", "Conv2d", value)], [_seen("conv", np.ascontiguousarray(moved), "c")]).compared
        assert (layer.axes, layer.snr_db) == (words, math.inf)
    line = _noise(0, 1, 4, 7)  # a one-dimensional convolution is one of two dimensions to many runtimes
    flat = np.ascontiguousarray(np.moveaxis(line[:, :, None], 1, -1))
    assert _found([_call("c", "Conv1d", line)], [_seen("conv", flat, "c")]).compared[0].snr_db == math.inf


def test_a_module_that_is_called_twice_has_two_rows() -> None:
    one, two = _noise(0, 1, 3), _noise(1, 1, 3)
    calls = [_call("l", "Linear", one), _call("l", "Linear", two, number=2)]
    values = [_seen("linear", one, "l", BY_WEIGHTS), _seen("linear", -two, "l", BY_WEIGHTS)]
    assert [(layer.title, layer.snr_db > 20) for layer in _found(calls, values).compared] == [
        ("l", True),
        ("l (call 2)", False),
    ]


def test_layers_with_the_same_weights_are_not_told_apart_by_them() -> None:
    """Two operations, one call: which is it? Order, kind and shape decide."""
    one, two = _noise(0, 1, 3), _noise(1, 1, 3)
    calls = [_call("a", "Linear", one), _call("b", "Linear", two)]
    values = [_seen("linear", one, "a", BY_WEIGHTS), _seen("linear", two, "a", BY_WEIGHTS)]
    assert [(layer.module, layer.snr_db) for layer in _found(calls, values).compared] == [
        ("a", math.inf),
        ("b", math.inf),
    ]


def test_what_names_do_not_tell_is_found_by_order_kind_and_shape_however_wrong_it_is() -> None:
    pooled, added = _noise(0, 1, 3), _noise(1, 1, 3)
    calls = [_call("p", "MaxPool2d", pooled), _call("block", "Block", added, container=True)]
    found = _found(calls, [_seen("pool", pooled), _seen("add", -added)])
    assert [(layer.module, layer.matched_by, layer.snr_db > 20) for layer in found.compared] == [
        ("p", "order", True),
        ("block", "order", False),
    ]
    assert found.compared[1].rule_name == ""


def test_a_value_made_from_a_known_layer_stands_for_no_earlier_call() -> None:
    """Else a wrong sum would be taken for the one of the block before, which has the same shape."""
    first, conv, second = _noise(0, 1, 3), _noise(1, 1, 3), _noise(2, 1, 3)
    calls = [
        _call("b1", "Block", first, container=True),
        _call("b2.c", "Conv1d", conv),
        _call("b2", "Block", second, container=True),
    ]
    values = [_seen("conv", conv, "b2.c", key="c"), _seen("add", -second, key="s")]
    found = _found(calls, values, {"c": ["x"], "s": ["c", "x"]})
    assert [layer.module for layer in found.compared] == ["b2.c", "b2"]
    assert [one.module for one in found.not_matched] == ["b1"]
    assert "in its place" in found.not_matched[0].reason


def test_a_call_whose_shape_nothing_has_is_not_matched() -> None:
    found = _found([_call("c", "Conv2d", _noise(0, 1, 4, 5, 5))], [_seen("conv", _noise(0, 1, 4, 5, 4), "c")])
    assert not found.compared
    assert found.not_matched[0].reason == "no operation of the artifact gives a value of its shape"


def test_nan_and_infinity_are_never_near() -> None:
    value = _noise(0, 1, 8)
    spoiled = value.copy()
    spoiled[0, 3] = math.nan
    (layer,) = _found([_call("l", "Linear", value)], [_seen("linear", spoiled, "l")]).compared
    assert (layer.snr_db, layer.max_abs_error, layer.artifact.not_finite) == (-math.inf, math.inf, 1)
    assert math.isnan(layer.cosine)
    (same,) = _found([_call("l", "Linear", spoiled)], [_seen("linear", spoiled, "l")]).compared
    assert same.snr_db == math.inf
    assert same.source.not_finite == 1
    assert replace(same, snr_db=0.0).title == "l"
