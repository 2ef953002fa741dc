"""Compares what a device computed with what this machine computed from the same inputs, each output on its own."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from profilers.decibels import snr_db

# A value may be off by this share of the larger of its own distance from the middle and the output's spread (RMS).
# Noise at 30 dB has an RMS of 0.032 of that, and its largest of a million values is 5.6 times its RMS.
VALUE_SHARE = 10 ** (-15 / 20)
# What float16 arithmetic costs a value that lies far from zero, over some layers.
ROUNDING = 0.01
# Kernels of small integers round half to even, up or away from zero.
QUANTA = 2


class Difference(NamedTuple):
    """One output of a device against this machine's.

    Attributes:
        name: of the output.
        snr_db: signal-to-noise ratio over the values that are finite here; infinite when equal, None when there is
            none to compute.
        wrong: why it is wrong whatever the ratio, as a sentence without its full stop; None when it is not.
        unchecked: why nothing can be said of it, likewise.
    """

    name: str
    snr_db: float | None
    wrong: str | None = None
    unchecked: str | None = None

    @property
    def badness(self) -> tuple[int, float]:
        """The largest of several is the one to tell: wrong, then unchecked, then the least ratio."""
        kind = 2 if self.wrong else 1 if self.unchecked else 0
        return kind, -(self.snr_db if self.snr_db is not None else -math.inf)


def compare_output(name: str, ours: "np.ndarray", theirs: "np.ndarray") -> Difference:  # type: ignore[type-arg]
    """Every value of one output.

    Floats and integers of up to 16 bits (quantized values) are compared with a tolerance, by their signal-to-noise
    ratio and value by value; wider integers and booleans (indices, counts, masks) must be equal.
    """
    where = f"output {name!r}"
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        told, wanted = _form(theirs), _form(ours)
        return Difference(name, None, wrong=f"{where} is {told} on the device and {wanted} here")
    if not ours.size:
        return Difference(name, None, unchecked=f"{where} has no values")
    if ours.dtype.kind not in "fciub":
        return Difference(name, None, unchecked=f"{where} is of type {ours.dtype}, which is not compared")
    if ours.dtype.kind == "b" or (ours.dtype.kind in "iu" and ours.dtype.itemsize > 2):
        return _exact(name, where, ours, theirs)
    return _close(name, where, ours, theirs)


def worst_of(differences: Sequence[Difference]) -> Difference:
    """The output to judge; at least one must be given."""
    return max(differences, key=lambda difference: difference.badness)


def _form(values: "np.ndarray") -> str:  # type: ignore[type-arg]
    return f"{values.dtype}{list(values.shape)}"


def _numbers(values: Any) -> Any:
    """As a flat array of float64; a complex number is two values."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag]).reshape(-1)
    return flat.astype(np.float64)


def _exact(name: str, where: str, ours: Any, theirs: Any) -> Difference:
    wrong = int(np.count_nonzero(ours != theirs))
    ratio = snr_db(_numbers(ours), _numbers(theirs))
    if not wrong:
        return Difference(name, math.inf)
    return Difference(
        name, ratio, wrong=f"{where}: {wrong} of {ours.size} values of type {ours.dtype} differ from this machine's"
    )


def _close(name: str, where: str, ours: Any, theirs: Any) -> Difference:
    wanted, given = _numbers(ours), _numbers(theirs)
    known = np.isfinite(wanted)
    lost = int(np.count_nonzero(known & ~np.isfinite(given)))
    if lost:
        words = f"{where}: {lost} of {wanted.size} values are NaN or infinite where this machine's are finite"
        return Difference(name, None, wrong=words)
    ratio, off = math.inf, 0
    if known.any():
        ratio = snr_db(wanted[known], given[known])
        off = _values_off(wanted[known], given[known], quantized=ours.dtype.kind in "iu")
    if off:
        words = f"{where}: {off} of {wanted.size} values are further from this machine's than rounding explains"
        return Difference(name, ratio, wrong=words)
    strange = int(np.count_nonzero(~known))
    if strange:
        words = f"{where}: {strange} of {wanted.size} values are NaN or infinite on this machine itself"
        return Difference(name, ratio, unchecked=words)
    return Difference(name, ratio)


def _values_off(wanted: Any, given: Any, *, quantized: bool) -> int:
    scale = max(float(np.max(np.abs(wanted))), float(np.max(np.abs(given)))) or 1.0  # all finite: max loses no NaN
    away = wanted / scale - np.median(wanted / scale)
    spread = math.sqrt(float(np.mean(away**2)))
    floor = np.full(wanted.shape, QUANTA / scale) if quantized else ROUNDING * np.abs(wanted / scale)
    allowed = np.maximum(VALUE_SHARE * np.maximum(np.abs(away), spread), floor)
    return int(np.count_nonzero(np.abs(wanted / scale - given / scale) > allowed * (1 + 1e-9)))
