"""Allocation: the least error within the budget, as trying everything would find it."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.data.facts.storage import Storage
from exporter.search.allocation import Option, Options, allocate, largest, smallest
from tests.exporter.search.options import scattered, storage

SIZES = st.integers(1, 20_000_000)
ERRORS = st.one_of(st.just(0.0), st.floats(1e-12, 1e3))
EPSILON = 1e-5
"""Relative; the solver stops this close to the optimum."""


def options_of(table: Sequence[Sequence[tuple[int, float]]]) -> Options:
    """Layers ``0``, ``1`` ... with options of these bytes and errors."""
    return {
        str(layer): [
            Option(storage=storage(bits), size_bytes=size, error=error) for bits, (size, error) in enumerate(rows)
        ]
        for layer, rows in enumerate(table)
    }


def best(options: Options, budget: int) -> float | None:
    """The least error of all combinations that fit."""
    fitting = [
        sum(one.error for one in chosen)
        for chosen in itertools.product(*options.values())
        if sum(one.size_bytes for one in chosen) <= budget
    ]
    return min(fitting, default=None)


TABLES = st.lists(st.lists(st.tuples(SIZES, ERRORS), min_size=1, max_size=4), min_size=1, max_size=4)


@given(TABLES, st.floats(0, 1))
@example([[(1_000_000, 1000.0), (2_000_000, 1e-9)], [(1_000_000, 1e-5), (1_500_000, 1e-12)]], 0.8)
def test_it_is_what_trying_everything_finds(table: list[list[tuple[int, float]]], share: float) -> None:
    """Protects the front: nothing fits better, no byte too many, whatever lies between the errors."""
    options = options_of(table)
    low, high = smallest(options), max(sum(max(one.size_bytes for one in given) for given in options.values()), 1)
    budget = round(low + share * (high - low))
    found, wanted = allocate(options, budget), best(options, budget)
    assert found is not None
    assert wanted is not None
    assert found.size_bytes <= budget
    assert found.error <= wanted * (1 + EPSILON) + 1e-12
    chosen = [next(one for one in options[layer] if one.storage == kept) for layer, kept in found.storages.items()]
    assert list(found.storages) == list(options)
    assert found.size_bytes == sum(one.size_bytes for one in chosen)
    assert found.error == pytest.approx(sum(one.error for one in chosen))


@given(TABLES)
def test_none_is_found_exactly_where_nothing_fits(table: list[list[tuple[int, float]]]) -> None:
    """Protects the ends of a search: the smallest size can be had, one byte less cannot."""
    options = options_of(table)
    low = smallest(options)
    found = allocate(options, low)
    assert found is not None
    assert found.size_bytes == low
    assert allocate(options, low - 1) is None


@given(TABLES)
def test_with_room_for_all_the_most_exact_is_taken_at_its_least_size(table: list[list[tuple[int, float]]]) -> None:
    """Protects from bytes for nothing: of equal errors the smaller storage is taken."""
    options = options_of(table)
    found = allocate(options, largest(options))
    assert found is not None
    assert found.size_bytes <= largest(options)
    wanted = sum(min(one.error for one in given) for given in options.values())
    assert found.error <= wanted * (1 + EPSILON) + 1e-12


def test_what_another_betters_in_both_is_never_taken() -> None:
    worse, better = Storage(form="table", bits=4), Storage(form="grid", bits=4)
    for errors in ((0.2, 0.1), (0.1, 0.1), (0.0, 0.0)):
        given = [
            Option(storage=worse, size_bytes=11, error=errors[0]),
            Option(storage=better, size_bytes=10, error=errors[1]),
        ]
        found = allocate({"layer": given}, 100)
        assert found is not None
        assert found.storages == {"layer": better}


def test_no_layers_take_nothing() -> None:
    found = allocate({}, 0)
    assert found is not None
    assert (found.size_bytes, found.storages) == (0, {})


def test_a_large_network_fits_to_the_byte() -> None:
    """Protects the promise of the size: with hundreds of layers the solver's tolerances do not add bytes."""
    table = [
        [(1000 * layer + 7 * bits * (layer + 13) ** 2, 10.0 ** (-bits) * (1 + layer % 5)) for bits in range(1, 7)]
        for layer in range(200)
    ]
    options = options_of(table)
    for share in (0.1, 0.37, 0.5, 0.9):
        budget = round(smallest(options) + share * (largest(options) - smallest(options)))
        found = allocate(options, budget)
        assert found is not None
        assert found.size_bytes <= budget
        assert found.size_bytes > 0.99 * budget


def test_errors_far_apart_do_not_hide_one_another() -> None:
    """Protects the quality of large sizes, where one layer in two bits errs more than all others together."""
    table = [
        [(500 * bits * (1 + layer % 7), (1 + layer % 5) * 40.0 / 4**bits) for bits in (2, 3, 4, 6, 8)]
        + [(8000 * (1 + layer % 7), (1 + layer % 5) * 1e-12)]
        for layer in range(50)
    ]
    options = options_of(table)
    for share in (0.5, 0.7, 0.9):
        budget = round(smallest(options) + share * (largest(options) - smallest(options)))
        found = allocate(options, budget)
        assert found is not None
        assert found.size_bytes <= budget
        assert found.error <= 1.1 * least_possible(options, budget)


def least_possible(options: Options, budget: int) -> float:
    """No allocation errs less (Lagrange's dual bound)."""
    prices = [10.0 ** (step / 20) for step in range(-400, 60)]
    return max(
        sum(min(one.error + price * one.size_bytes for one in given) for given in options.values()) - price * budget
        for price in prices
    )


def test_the_solver_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Protects the first line of a search, and its JSON: HiGHS wrote to standard output on some problems."""
    options = scattered(52)  # on which it does
    largest = sum(given[-1].size_bytes for given in options.values())
    for share in (0.2, 0.3, 0.4, 0.5, 0.6):
        assert allocate(options, int(share * largest)) is not None
    assert capfd.readouterr() == ("", "")
