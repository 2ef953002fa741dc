"""Which port is which: by name, else by shape where only one choice is left, else an error with both lists."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import UsageProblem
from exporter.formats.common.ports import Pairing, Port
from exporter.formats.coreml.class_order import class_order

INPUTS, OUTPUTS = Pairing(Path("m"), "input"), Pairing(Path("m"), "output")


def ports(*described: tuple[str, tuple[int, ...]], dtype: str = "float32") -> list[Port]:
    return [Port((name,), shape, dtype) for name, shape in described]


@given(st.permutations(range(5)))
def test_names_decide_whatever_the_order(order: list[int]) -> None:
    """Shapes that are all alike do not matter where the names agree."""
    source = ports(*((f"n{index}", (1, 3)) for index in range(5)))
    assert OUTPUTS.match(source, [source[index] for index in order]) == [order.index(index) for index in range(5)]


@given(st.permutations(range(5)))
def test_shapes_decide_where_each_fits_one(order: list[int]) -> None:
    """Files made by others have names of their own."""
    source = ports(*((f"n{index}", (1, 3 + index)) for index in range(5)))
    artifact = [Port((f"var_{index}",), source[index].shape, "float32") for index in order]
    assert OUTPUTS.match(source, artifact) == [order.index(index) for index in range(5)]


def test_one_of_each_needs_no_name() -> None:
    assert OUTPUTS.match(ports(("output", (1, 5))), ports(("Identity", (1, 5)))) == [0]


def test_the_rest_after_names_may_be_told_by_shape() -> None:
    """One name in common settles which of two equal shapes the other is."""
    source, artifact = ports(("a", (1, 3)), ("b", (1, 3))), ports(("var_7", (1, 3)), ("a", (1, 3)))
    assert OUTPUTS.match(source, artifact) == [1, 0]


def test_integers_and_reals_of_one_shape_are_told_apart() -> None:
    """Token ids and a mask of floats have one shape."""
    source = [Port(("ids",), (1, 16), "int64"), Port(("weights",), (1, 16), "float32")]
    artifact = [Port(("args_0",), (1, 16), "float32"), Port(("args_1",), (1, 16), "int32")]
    assert INPUTS.match(source, artifact) == [1, 0]


def test_an_input_that_the_artifact_dropped_is_left_out() -> None:
    """A converter removes an input that nothing reads."""
    assert INPUTS.match(ports(("x", (1, 3)), ("unused", (1, 3))), ports(("x", (1, 3)))) == [0, -1]


def test_channels_first_and_last_are_one_shape() -> None:
    source, artifact = ports(("x", (1, 3, 20, 24)), ("y", (1, 8))), ports(("p", (1, 8)), ("q", (1, 20, 24, 3)))
    assert INPUTS.match(source, artifact) == [1, 0]


def test_characters_that_a_format_forbids_do_not_matter() -> None:
    """A dictionary's key `out.a` is `out_a` in Core ML."""
    source, artifact = ports(("out.b", (1, 3)), ("out.a", (1, 3))), ports(("out_a", (1, 3)), ("out_b", (1, 3)))
    assert OUTPUTS.match(source, artifact) == [1, 0]


@pytest.mark.parametrize(("pairing", "option"), [(INPUTS, "--input-shape p=1,3"), (OUTPUTS, "--output-name p")])
def test_what_cannot_be_told_apart_shows_both_lists_and_the_options(pairing: Pairing, option: str) -> None:
    """A guess could call a wrong file right, or a right one wrong."""
    with pytest.raises(UsageProblem) as caught:
        pairing.match(ports(("a", (1, 3)), ("b", (1, 3))), ports(("p", (1, 3)), ("q", (1, 3))))
    for words in ("p float32 [1, 3], q float32 [1, 3]", "a float32 [1, 3], b float32 [1, 3]", option):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("source", "artifact"),
    [(((1, 3, 32, 32),), ((1, 3, 30, 32),)), (((1, 3),), ((1, 3, 1),)), (((16000,),), ((8000,),))],
)
def test_another_shape_is_one_sentence(source: tuple[tuple[int, ...]], artifact: tuple[tuple[int, ...]]) -> None:
    """Not an exception of the runtime that is fed the wrong array."""
    with pytest.raises(UsageProblem, match=r"m: input p float32 \[.*\] does not fit the source's a float32 \["):
        INPUTS.match(ports(("a", *source)), ports(("p", *artifact)))


def test_more_outputs_than_the_source_has_must_be_named() -> None:
    """An output that nobody named would go unchecked without a word."""
    artifact = ports(("p", (1, 3)), ("q", (1, 4)))
    with pytest.raises(UsageProblem, match="cannot be told apart"):
        OUTPUTS.match(ports(("a", (1, 3))), artifact)
    assert OUTPUTS.match(ports(("q", (1, 4))), artifact) == [1]


@given(st.permutations(["cat", "dog", "crane", "crane", "7"]))
def test_scores_are_read_by_label(order: list[str]) -> None:
    """An artifact whose classes are in another order has the same scores elsewhere; two cranes keep their order."""
    source = ["cat", "crane", "dog", "7", "crane"]
    artifact: list[str | int] = [int(label) if label.isdigit() else label for label in order]
    places = class_order(Path("m"), artifact, source, given=True)
    assert [str(artifact[place]) for place in places] == source
    assert len(set(places)) == 5
    assert places[1] < places[4]


def test_labels_of_another_set_are_counted_and_named() -> None:
    with pytest.raises(UsageProblem, match="--labels has 3 names and the artifact 2 classes") as caught:
        class_order(Path("m"), ["cat", 3], ["cat", "dog", "cow"], given=True)
    assert "only in --labels: dog, cow" in str(caught.value)
    assert "only in the artifact: 3" in str(caught.value)


@pytest.mark.parametrize("source", [[], ["some", "other"]])
def test_without_labels_of_the_user_the_artifacts_order_counts(source: list[str]) -> None:
    """Names that came with weights are not what the user said of this artifact."""
    assert class_order(Path("m"), [3, 1], source, given=False) == [0, 1]
