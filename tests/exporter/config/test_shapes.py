"""What is written for an input's shape is read back as the same shapes, and everything else is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.model import parse_shape
from exporter.config.problems import checked
from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec, at_every_size
from exporter.data.settings.model import ModelSettings

LENGTHS = st.integers(1, 4096)
RANGES = st.tuples(LENGTHS, LENGTHS).filter(lambda pair: pair[0] < pair[1])


@given(st.lists(LENGTHS | RANGES, max_size=4))
def test_ranges(sizes: list[int | tuple[int, int]]) -> None:
    """The example is the largest shape, the last that is tried, and every tried shape lies in the ranges."""
    text = ",".join(["1", *(str(size) if isinstance(size, int) else f"{size[0]}..{size[1]}" for size in sizes)])
    bounds = ((1, 1), *((size, size) if isinstance(size, int) else size for size in sizes))
    found = parse_shape(text)
    assert found.example == tuple(high for _, high in bounds)
    flexible = found.flexible
    assert (flexible is None) == all(isinstance(size, int) for size in sizes)
    if flexible is not None:
        low, *_, high = flexible.tried
        assert (low, high) == (tuple(pair[0] for pair in bounds), found.example)
        assert len(flexible.tried) <= 3
        for shape in flexible.tried:
            assert all(least <= length <= most for length, (least, most) in zip(shape, bounds, strict=True))


@given(st.lists(st.tuples(LENGTHS, LENGTHS), min_size=2, max_size=6, unique=True), st.booleans())
def test_lists(pairs: list[tuple[int, int]], spaced: bool) -> None:
    """The lengths at one place of the lists make one shape; each is tried, the largest last."""
    rows, columns = ("{" + ",".join(map(str, lengths)) + "}" for lengths in zip(*pairs, strict=True))
    found = parse_shape(f" maps=1,3,{rows},{columns} " if spaced else f"maps=1,3,{rows},{columns}")
    shapes = [(1, 3, *pair) for pair in pairs]
    assert found.flexible is not None
    assert set(found.flexible.tried) == set(shapes)
    assert found.flexible.tried[-1] == found.example
    assert math.prod(found.example) == max(map(math.prod, shapes))


@given(RANGES, RANGES, st.permutations(range(4)))
def test_moved(rows: tuple[int, int], columns: tuple[int, int], order: list[int]) -> None:
    """Another order of axes moves ends and example alike."""
    flexible = parse_shape(f"1,3,{rows[0]}..{rows[1]},{columns[0]}..{columns[1]}").flexible
    assert flexible is not None
    moved = flexible.moved(tuple(order))
    assert moved.largest == tuple(flexible.largest[axis] for axis in order)
    assert moved.tried[0] == tuple(flexible.tried[0][axis] for axis in order)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,3,9..8", "no range"),
        ("1,3,8..8", "no range"),
        ("1,3,0..8", "no range"),
        ("1..2,3,8", "first dimension is the batch"),
        ("{1,2},3,8", "first dimension is the batch"),
        ("1,3,{8,9},{8,9,10}", "lists of 2, 3 lengths"),
        ("1,3,{8},{9}", "at least two different shapes"),
        ("1,3,{8,8},{9,9}", "at least two different shapes"),
        ("1,3,{8,9},1..2", "ranges or lists, not both"),
        ("1,3,{0,9}", "at least 1"),
        ("1,3,8...9", "is not an input shape"),
        ("1,3,{8,9", "is not an input shape"),
        ("1,3,{}", "is not an input shape"),
        ("1,3,..9", "is not an input shape"),
    ],
)
def test_what_is_no_shape(text: str, said: str) -> None:
    """One sentence that says why."""
    with pytest.raises(UsageProblem, match=said):
        parse_shape(text)


def test_a_targets_file_says_the_same() -> None:
    """Ranges are text there and lists are lists; a wrong one is named by its place."""
    table = {"inputs": [{"name": "image", "shape": [1, 3, "128..512", "128..512"]}]}
    found = checked(ModelSettings, table, whole="the model settings have", prefix="model")
    assert found.inputs[0] == parse_shape("image=1,3,128..512,128..512")
    listed = ModelSettings.model_validate({"inputs": [{"shape": [1, 3, [64, 96], [64, 96]]}]})
    assert listed.inputs[0] == parse_shape("1,3,{64,96},{64,96}")
    with pytest.raises(UsageProblem, match=r"model\.inputs"):
        checked(ModelSettings, {"inputs": [{"shape": [1, "9..8"]}]}, whole="the model settings have", prefix="model")


def test_the_middle_is_odd_and_differs_between_axes() -> None:
    """Even sizes hide wrong padding, equal ones exchanged axes."""
    flexible = parse_shape("1,3,128..512,128..512").flexible
    assert flexible is not None
    assert flexible.tried == ((1, 3, 128, 128), (1, 3, 321, 323), (1, 3, 512, 512))


def test_inputs_change_together() -> None:
    """With unlike numbers of shapes, those of fewer start later; a fixed input stays."""
    specs = [
        InputSpec(name=found.name, shape=found.example, flexible=found.flexible)
        for found in map(parse_shape, ("a=1,2..8", "b=1,{3,4}", "c=1,7"))
    ]
    shapes = [[spec.shape for spec in sized] for sized in at_every_size(specs)]
    assert shapes == [[(1, 2), (1, 3), (1, 7)], [(1, 5), (1, 3), (1, 7)], [(1, 8), (1, 4), (1, 7)]]
    assert at_every_size(specs[2:]) == ((specs[2],),)
