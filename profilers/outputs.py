"""Compares what a device computed with what this machine computed from the same inputs, each output on its own."""

import math
from typing import Any

import numpy as np

from profilers.decibels import snr_db
from profilers.difference import Difference

# A value may be off by this share of the larger of its own distance from the middle and the output's spread (RMS).
# Noise at 30 dB has an RMS of 0.032 of that, and its largest of a million values is 5.6 times its RMS.
VALUE_SHARE = 10 ** (-15 / 20)
# What float16 arithmetic costs a value that lies far from zero, over some layers.
ROUNDING = 0.01
# Kernels of small integers round half to even, up or away from zero.
QUANTA = 2


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
