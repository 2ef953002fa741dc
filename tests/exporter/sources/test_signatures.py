"""A learned range finds its activation by value, and only its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.hints import ActivationRange, signature
from exporter.sources.signatures import match_ranges, unmatched

VALUES = np.random.default_rng(0).standard_normal((1, 8, 4, 4)).astype(np.float32)


def learned(name: str, values: NDArray[Any]) -> ActivationRange:
    return ActivationRange(name=name, minimum=-1, maximum=1, elements=values.size, signatures=(signature(values),))


def test_layout_and_the_rounding_of_a_float_converter_do_not_matter() -> None:
    """Protects the hand-over to channels-last formats."""
    ranges = [learned("own", VALUES), learned("other", np.maximum(VALUES, 0))]
    found = match_ranges(ranges, {"nhwc": VALUES.transpose(0, 2, 3, 1) * 1.001})
    assert {name: item.name for name, item in found.items()} == {"nhwc": "own"}


def test_a_range_is_found_in_float16_weights_too_and_nothing_else_is_taken_for_it() -> None:
    """Protects MobileNetV2, whose last layers differ by 0.7 % in Core ML, without bearing any such difference."""
    stored = VALUES * 1.01
    both = ActivationRange(
        name="own", minimum=-1, maximum=1, elements=VALUES.size, signatures=(signature(VALUES), signature(stored))
    )
    assert list(match_ranges([both], {"float32": VALUES, "float16": stored})) == ["float32", "float16"]
    assert not match_ranges([learned("own", VALUES)], {"float16": stored})
    assert not match_ranges([both], {"another": VALUES * 1.1, "smaller": VALUES[:, :4]})


def test_a_limit_keeps_its_range_beside_that_of_what_it_limits() -> None:
    """Protects equalized ReLU6: two ranges of nearly the same values."""
    limited = np.minimum(VALUES, 0.97 * VALUES.max())
    ranges = [learned("relu", VALUES), learned("minimum", limited)]
    found = match_ranges(ranges, {"relu_out": VALUES, "minimum_out": limited})
    assert {name: item.name for name, item in found.items()} == {"relu_out": "relu", "minimum_out": "minimum"}


def test_two_ranges_of_the_same_values_go_to_two_tensors_in_order() -> None:
    """Protects a limit that the probe does not reach; of two ranges with one tensor, one is lost, and said to be."""
    ranges = [learned("relu", VALUES), learned("minimum", VALUES)]
    both = match_ranges(ranges, {"first": VALUES, "second": VALUES})
    assert [both[name].name for name in ("first", "second")] == ["relu", "minimum"]
    assert unmatched(ranges, both) == []
    assert unmatched(ranges, match_ranges(ranges, {"only": VALUES})) == ["minimum"]


def test_ranges_that_rounding_alone_tells_apart_go_to_two_tensors_in_order() -> None:
    """Protects a limit that the probe hardly reaches: rounding may bring either nearer to both tensors."""
    limited = np.minimum(VALUES, VALUES.max() - np.float32(2e-6))
    ranges = [learned("relu", VALUES), learned("minimum", limited)]
    both = match_ranges(ranges, {"first": limited, "second": limited, "moved": limited.reshape(-1)})
    assert [both[name].name for name in ("first", "second", "moved")] == ["relu", "minimum", "minimum"]
    assert unmatched(ranges, both) == []
