"""Time that trainings of layers and blocks may take."""

from time import monotonic


class Budget:
    """Time that is left, shared out evenly among what is still to be done.

    Args:
        seconds: altogether.
        parts: that share it.

    Attributes:
        cut: how many parts ran out of their time.
    """

    def __init__(self, seconds: float, parts: int) -> None:
        self._end, self._left = monotonic() + seconds, parts
        self.cut = 0

    def share(self) -> "Share":
        """The next part's."""
        now = monotonic()
        seconds = max(self._end - now, 0) / max(self._left, 1)
        self._left -= 1
        return Share(self, now, seconds)


class Share:
    """One part's time."""

    def __init__(self, budget: Budget, start: float, seconds: float) -> None:
        self._budget, self._start, self._seconds = budget, start, seconds

    def progress(self, step: int, steps: int) -> float | None:
        """How far a training of so many steps is, 0 to 1, by its steps or, where that is further, its time.

        None when its time is over, which is counted.
        """
        by_time = (monotonic() - self._start) / self._seconds if self._seconds > 0 else 1.0
        if by_time >= 1:
            self._budget.cut += 1
            return None
        return max(step / steps, by_time)
