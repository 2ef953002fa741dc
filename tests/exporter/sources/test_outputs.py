"""Outputs keep their keys as names, which both formats allow, in an order that never changes."""

import dataclasses
import keyword
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.data.settings.model import ModelSettings
from exporter.sources.load import load_source
from exporter.sources.outputs import flatten, named_tensors, output_names

ONE = torch.zeros(1)


class Boxes(NamedTuple):
    """As detectors give them."""

    boxes: Any
    scores: Any


@dataclasses.dataclass
class Found:
    """As transformers' ModelOutput."""

    logits: Any
    hidden: Any = None


def names(result: Any, taken: tuple[str, ...] = ()) -> tuple[str, ...]:
    return output_names([path for path, _ in named_tensors(result)], taken)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ONE, ("output",)),
        ([ONE], ("output",)),
        ((ONE, ONE), ("output_0", "output_1")),
        ({"out": ONE, "aux": ONE}, ("out", "aux")),
        (OrderedDict(b=ONE, a=ONE), ("b", "a")),
        ({"a": {"b": ONE, "c": [ONE, ONE]}}, ("a_b", "a_c_0", "a_c_1")),
        (Boxes(ONE, ONE), ("boxes", "scores")),
        ([Boxes(ONE, ONE), Boxes(ONE, ONE)], ("0_boxes", "0_scores", "1_boxes", "1_scores")),
        (Found(ONE), ("logits",)),
        (Found(ONE, (ONE, ONE)), ("logits", "hidden_0", "hidden_1")),
        ((ONE, {"x": ONE}), ("output_0", "1_x")),
        ({"a.b": ONE, "a-b": ONE, "A_b": ONE}, ("a_b", "a_b_2", "A_b_3")),
        ({"tensor": ONE, "1": ONE}, ("tensor_output", "output_1")),
    ],
)
def test_keys_become_names(result: Any, expected: tuple[str, ...]) -> None:
    expected = tuple(f"output_{name}" if name[0].isdigit() else name for name in expected)
    assert names(result) == expected
    assert len(flatten(result)) == len(expected)


def test_an_output_is_not_called_as_an_input() -> None:
    assert names({"image": ONE, "y": ONE}, taken=("image",)) == ("image_2", "y")


@given(st.dictionaries(st.text(max_size=8), st.just(ONE), min_size=1, max_size=6))
def test_any_keys_become_identifiers_unlike_each_other(result: dict[str, Any]) -> None:
    found = names(result, taken=("x",))
    assert len({name.lower() for name in (*found, "x")}) == len(result) + 1
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in found)
    assert names(result, taken=("x",)) == found


def test_what_is_no_tensor_is_said() -> None:
    with pytest.raises(UsageProblem, match="output loss is a float"):
        flatten({"logits": ONE, "loss": 0.5})
    assert keyword.iskeyword("class")  # a key that only Python minds
    assert names({"class": ONE}) == ("class",)


LENGTHS = """
import torch
from torch import nn

class Net(nn.Module):
    def forward(self, x, lengths):
        if int(lengths.min()) < 1:
            raise RuntimeError("lengths must be above 0")
        return {"states": x * lengths[:, None], "last": x.sum(1)}

def net():
    return Net()
"""


def test_shapes_are_recorded_and_lengths_are_tried_with_ones(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LENGTHS)
    inputs = ({"name": "x", "shape": (2, 3)}, {"name": "lengths", "shape": (2,), "dtype": "int64"})
    source = load_source(f"{tmp_path / 'net.py'}:net", ModelSettings.model_validate({"inputs": inputs}))
    assert source.description.outputs == ("states", "last")
    assert source.description.output_shapes == ((2, 3), (2,))
    assert [spec.least for spec in source.description.inputs] == [0, 1]
    assert source.example_inputs()[1].tolist() == [1, 1]
    wrong = ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (2, 3)},)})
    with pytest.raises(UsageProblem, match="does not run on inputs x"):
        load_source(f"{tmp_path / 'net.py'}:net", wrong)
