"""Which order of axes an artifact gives an output in, beside the source's."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.errors import ToolError
from exporter.verification.metrics import Difference


class OutputOrders:
    """Differences of one output in each order of axes that fits; one order must serve all examples.

    Args:
        channels_last: whether the source has the channels of outputs of four dimensions last.
    """

    def __init__(self, channels_last: bool) -> None:
        self._channels_last = channels_last
        self._differences: dict[bool, Difference] | None = None

    def add(self, wanted: NDArray[Any], found: NDArray[Any]) -> None:
        """Take in one run's output.

        Raises:
            ToolError: it fits in neither order.
        """
        choices = arrangements(found, wanted.shape, channels_last=self._channels_last)
        if self._differences is None:
            self._differences = {moved: Difference() for moved in choices}
        for moved, difference in list(self._differences.items()):
            if moved not in choices:
                del self._differences[moved]
            else:
                difference.add(wanted, choices[moved])

    def best(self) -> Difference:
        """The differences in the order with the least noise, not-finite values counted first."""
        assert self._differences, "a run was added"
        return self._differences[self._best_order()]

    def arranged(self, found: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """An output in the order that fits best so far.

        Raises:
            ToolError: it has not the source's `shape`.
        """
        choices = arrangements(found, shape, channels_last=self._channels_last)
        moved = self._best_order()
        if moved not in choices:
            raise ToolError(
                f"the artifact gives an output in another order of axes from one example to the next: {shape}."
            )
        return choices[moved]

    def _best_order(self) -> bool:
        found = self._differences or {}
        return min(found, key=lambda moved: (found[moved].artifact.values, found[moved].noise))


def arrangements(
    found: NDArray[Any], wanted: tuple[int, ...], *, channels_last: bool = False
) -> dict[bool, NDArray[Any]]:
    """An output as the artifact gives it (False), and with its channels where the source has them (True).

    Only what has the source's shape, `wanted`.

    Axes of length one do not count: Core ML has no scalars.

    Raises:
        ToolError: no order of axes fits.
    """
    choices = {False: found}
    if found.ndim == 4:
        choices[True] = np.moveaxis(found, 1, -1) if channels_last else np.moveaxis(found, -1, 1)
    fitting = {moved: value for moved, value in choices.items() if value.shape == wanted}
    if not fitting and _squeezed(found.shape) == _squeezed(wanted):
        fitting = {False: found.reshape(wanted)}
    if not fitting:
        raise ToolError(f"the artifact gives an output of shape {found.shape}; the source gives {wanted}.")
    return fitting


def _squeezed(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]
