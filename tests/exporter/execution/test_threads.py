"""Work on every core: in order, a few items ahead, with its errors in their place, and torch as it was."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from exporter.execution.threads import in_order, threads


def test_results_come_in_the_items_order_whichever_is_done_first() -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(in_order(slow_at_first, range(20))) == [item * item for item in range(20)]


def test_items_are_taken_a_few_ahead_of_the_results() -> None:
    """Protects memory: thousands of decoded images do not wait for a slow comparison."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items())
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 3 + 2 * threads() + 1


def test_an_error_comes_in_its_place() -> None:
    def fails_at_two(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = in_order(fails_at_two, range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_torch_has_one_core_in_each_thread_and_all_of_them_afterwards() -> None:
    """Protects speed (threads that fight over cores) and sums that would depend on the number of cores."""
    before = torch.get_num_threads()
    assert set(in_order(lambda _: torch.get_num_threads(), range(8))) == {1}
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *later] == [before, before]
