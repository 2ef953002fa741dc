"""What is left out of rounding needs none, and what is rounded in place is nobody else's."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exporter.formats.coreml.reference.dtypes import by_mil_name
from exporter.formats.coreml.reference.registry import OPERATIONS
from exporter.formats.coreml.reference.steps import Output, stored

HALF = st.floats(width=16, allow_nan=False)
VALUES = arrays(np.float16, (2, 3), elements=HALF)
OTHER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("abs", "ceil", "floor", "round", "sign", "relu", "relu6"), ()),
    **dict.fromkeys(("maximum", "minimum"), ("y",)),
    **dict.fromkeys(("threshold", "thresholded_relu"), ("alpha",)),
    "clip": ("alpha", "beta"),
}
"""Operations that compute and are exact, with their other floating inputs."""


def tensor(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


@pytest.mark.parametrize("name", sorted(OTHER))
@given(x=VALUES, others=st.tuples(HALF, HALF))
def test_an_exact_operation_on_float16_values_gives_float16_values(name: str, x: Any, others: Any) -> None:
    """Protects the promise of declared precision: no value is wider than the program says."""
    operation = OPERATIONS[name]
    assert operation.exact
    kinds = {key: operation.parameters[key] for key in OTHER[name]}
    extra = {
        key: tensor(value) if kinds[key] is torch.Tensor else value
        for key, value in zip(kinds, sorted(others), strict=False)
    }
    result = operation.function(x=tensor(x), **extra)
    assert torch.equal(result, result.half().float())


def test_only_what_is_fresh_is_rounded_in_place() -> None:
    """A cast from float32 may be the very tensor that it was given, which stays as it is."""
    half = by_mil_name("fp16")
    for fresh in (False, True):
        value = torch.full((2,), 0.1)
        result = stored(value, Output(0, "y", half, half.rounds_to, fresh))
        assert torch.equal(result, torch.full((2,), 0.1).half().float())
        assert (result is value) == fresh
        assert torch.equal(value, torch.full((2,), 0.1)) != fresh


@pytest.mark.parametrize("name", sorted(name for name, operation in OPERATIONS.items() if operation.fresh))
def test_a_fresh_result_shares_no_memory(name: str) -> None:
    operation = OPERATIONS[name]
    given_: dict[str, Any] = {"x": torch.rand(1, 2, 3, 3)}
    if "y" in operation.parameters:
        given_["y"] = torch.rand(1, 2, 3, 3)
    if "weight" in operation.parameters:
        given_["weight"] = torch.eye(3) if name == "linear" else torch.ones(2, 2, 1, 1)
    if name == "batch_norm":
        given_ |= {"mean": torch.zeros(2), "variance": torch.ones(2), "epsilon": 0.0}
    if name.startswith("logical_"):
        given_ = {key: value > 0.5 for key, value in given_.items()}
    result = operation.function(**given_)
    places = {value.untyped_storage().data_ptr() for value in given_.values() if isinstance(value, torch.Tensor)}
    assert result.untyped_storage().data_ptr() not in places
