"""Examples are cut to another size, and begun again where they are too short."""

import numpy as np
import pytest

from exporter.data.facts.source import InputSpec
from exporter.datasets.cut import cut
from exporter.datasets.dataset import Dataset


@pytest.mark.parametrize("stacked", [True, False])
def test_cut_and_begun_again(stacked: bool) -> None:
    """The start is kept, as a mask of ones and then zeros needs it; labels go, since the model was not trained so."""
    ids = np.arange(4)
    mask = np.array([1, 1, 1, 0])
    rows = (ids, mask) if stacked else (ids[None], mask[None])
    data = Dataset("d", "0", 1, lambda index: rows, labels=(3,), stacked=stacked)
    shorter = cut(data, [InputSpec(name="ids", shape=(1, 2)), InputSpec(name="mask", shape=(1, 6))])
    found = shorter.batch([0])
    np.testing.assert_array_equal(found[0], [[0, 1]])
    np.testing.assert_array_equal(found[1], [[1, 1, 1, 0, 1, 1]])
    assert shorter.labels is None
    assert shorter.digest != data.digest
    assert "1x2, 1x6" in shorter.name
