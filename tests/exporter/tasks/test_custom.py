"""Functions of the user's own: protects what they are called with, and that their mistakes are told as theirs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.data.errors import UsageProblem
from exporter.tasks.custom import task as custom
from exporter.tasks.custom.settings import Custom
from exporter.tasks.custom.task import Known, Outcomes
from exporter.tasks.paired import losses

SETTINGS = Custom(function="tests.exporter.tasks.functions:agreement", higher=("near",), lower=("off",))
TASK = custom.TASK


def outcomes(function: Callable[..., Any], examples: int = 3, label: Any = None) -> Outcomes:
    tally = Outcomes(SETTINGS, function)
    for place in range(examples):
        outputs = np.full((2,), place, np.float32), np.full((1,), -place, np.float32)
        tally.add((outputs[0] + 1, outputs[1]), Known(outputs, label))
    return tally


def test_it_is_called_with_outputs_stacked_over_the_examples() -> None:
    seen: list[Any] = []

    def function(*given: Any) -> dict[str, float]:
        seen.extend(given)
        return {"near": 1, "off": 0, "more": 7}

    assert outcomes(function, label=4).figures(np.array([0, 2])).values == {"near": 1, "off": 0}
    source, artifact, labels = seen
    np.testing.assert_array_equal(source[0], [[0, 0], [2, 2]])
    np.testing.assert_array_equal(source[1], [[0], [-2]])
    np.testing.assert_array_equal(artifact[0], [[1, 1], [3, 3]])
    assert labels == [4, 4]


def test_it_is_called_without_labels_where_there_are_none() -> None:
    seen: list[Any] = []

    def function(source: Any, artifact: Any, labels: Any) -> dict[str, float]:
        seen.append(labels)
        return {"near": 1, "off": 0}

    outcomes(function).figures(np.arange(3))
    assert seen == [None]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0.5, "gives float, not a dictionary"),
        ({}, "gives nothing, and not near, off"),
        ({"near": 1}, "gives near, and not off"),
        ({"near": "high", "off": 0}, "gives 'high' as near, which is no number"),
        ({"near": True, "off": 0}, "gives True as near, which is no number"),
        ({"near": np.zeros(3), "off": 0}, "as near, which is no number"),
        ({"near": float("nan"), "off": 0}, "gives NaN as near, of outputs without any"),
    ],
)
def test_what_is_no_number_is_refused(given: Any, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        outcomes(lambda *_: given).figures(np.arange(3))


def test_a_failure_is_told_as_the_functions_own() -> None:
    with pytest.raises(UsageProblem, match=r"functions:agreement fails: ZeroDivisionError: division by zero"):
        outcomes(lambda *_: 1 / 0).figures(np.arange(3))


def test_a_slow_function_has_no_interval() -> None:
    """Protects from hours of resampling: it is called once for the source and once for the artifact."""
    calls: list[int] = []

    def slow(source: Any, artifact: Any, labels: Any) -> dict[str, float]:
        calls.append(len(source[0]))
        time.sleep(2 * custom.QUICK_S)
        return {"near": 0.5, "off": 0.1}

    pair = outcomes(slow, 20), outcomes(slow, 20)
    near, off = losses(TASK.metrics(SETTINGS, "source"), *pair, 20)
    assert calls == [20, 20]
    assert (near.loss, near.low, near.high) == (0, -np.inf, np.inf)
    assert not off.higher_is_better


def test_a_function_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("score = 3\n")
    for name, said in (("other", "has no 'other'"), ("score", "is no function but int")):
        settings = SETTINGS.model_copy(update={"function": f"{tmp_path / 'mine.py'}:{name}"})
        with pytest.raises(UsageProblem, match=said):
            TASK.tally(settings, ())


@pytest.mark.parametrize(
    ("table", "said"),
    [({}, "say which numbers"), ({"higher": ["a"], "lower": ["a"]}, "a: a number is named once")],
)
def test_numbers_without_a_direction_are_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Custom.model_validate({"function": "m:f", **table})
