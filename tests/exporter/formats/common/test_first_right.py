"""The choice between routes: the first that is right, every reason told, one error where all of them fail."""

from collections.abc import Callable

import pytest

from exporter.data.errors import NotEvaluableError, ToolError, UsageProblem
from exporter.formats.common.refusals import refusal
from exporter.formats.common.routes import Route, first_right, once, only


def made(value: float) -> Callable[[], float]:
    return lambda: value


def refused(operator: str, why: str = "") -> Callable[[], float]:
    def make() -> float:
        raise refusal("a tool", operator, "layer a.0", why)

    return make


def test_the_first_right_one_is_taken_and_each_before_it_says_why_not() -> None:
    routes = [
        Route("a", refused("conv", "no groups")),
        Route("b", made(12)),
        Route("c", made(90)),
        Route("d", made(99)),
    ]
    taken = first_right(routes, lambda model: model, "a model")
    assert (taken.route, taken.wrong) == ("c", False)
    assert taken.notes == (
        "a was passed over: a tool cannot convert operator conv in layer a.0: no groups",
        "b was passed over: what it gave computes something else than the source, 12 dB on noise",
    )


def test_the_least_wrong_is_taken_where_none_is_right() -> None:
    taken = first_right(
        [Route("a", made(12)), Route("b", made(40)), Route("c", made(8))], lambda model: model, "a model"
    )
    assert (taken.route, taken.wrong) == ("b", True)
    assert taken.notes[0].startswith("no route gave a model that computes what the source computes: 40 dB")


def test_what_could_not_be_run_is_kept_unchecked() -> None:
    def snr_of(model: float) -> float:
        raise NotEvaluableError("no kernel")

    taken = first_right([Route("a", made(12))], snr_of, "a model")
    assert taken.notes == ("what a gave was not checked against the source: no kernel",)
    assert not taken.wrong


def test_all_reasons_are_told_the_shortest_remedy_first() -> None:
    """Random numbers take the longest advice, sorting the shortest; what says no operator comes last."""
    routes = [
        Route(name, refused(operator)) for name, operator in zip("abcd", ["rand", "sort", "rand", ""], strict=True)
    ]
    with pytest.raises(ToolError) as caught:
        first_right(routes, lambda model: model, "a model")
    first, head, *others = str(caught.value).splitlines()
    assert first.startswith("a tool cannot convert operator sort in layer a.0. Use torch.topk")
    assert head == "No other route converts it either:"
    assert others == [
        "  b: a tool cannot convert operator sort in layer a.0",
        "  a, c: a tool cannot convert operator rand in layer a.0",
        "  d: a tool cannot convert the model in layer a.0",
    ]


def test_one_reason_of_all_routes_is_told_once() -> None:
    with pytest.raises(ToolError, match=r"^a tool cannot convert operator rand .*another target.$"):
        first_right([Route("a", refused("rand")), Route("b", refused("rand"))], lambda model: model, "a model")


def test_a_route_can_be_chosen_by_its_name() -> None:
    routes = [Route("a", made(1)), Route("b", made(2))]
    assert [route.name for route in only(routes, "")] == ["a", "b"]
    assert [route.name for route in only(routes, "b")] == ["b"]
    with pytest.raises(UsageProblem, match="its routes are a, b"):
        only(routes, "c")


def test_what_failed_once_fails_again_without_another_try() -> None:
    calls = []

    def make() -> int:
        calls.append(1)
        raise ToolError("no")

    again = once(make)
    for _ in range(2):
        with pytest.raises(ToolError, match="no"):
            again()
    assert len(calls) == 1
