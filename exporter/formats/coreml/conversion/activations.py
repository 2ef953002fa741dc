"""Static int8 activations for Core ML, calibrated without a Mac.

Ranges are gathered by the evaluator, on the very program that is then quantized: every value that a quantized
operation reads is seen under the name that coremltools' graph passes look up, fused operations included, which a
torch-side observer cannot promise. coremltools' own calibration needs Apple's runtime, and in version 9.0 keeps only
the last batch's range (its issue #2704).
"""

import functools
import math
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.reference import Observation, ReferenceModel
from exporter.formats.coreml.settings import Activations
from exporter.formats.coreml.walk import program_operations

QUANTIZED = ("conv", "linear", "avg_pool", "max_pool", "add")
_MOMENTUM = 0.1
_BINS = 2048
_LEAST_SPAN = 1e-6
_FAR_BELOW = -1e3
"""Of which a softmax in float32 makes 0."""
_PASSING = ("add", "mul", "real_div", "reshape", "select", "sub", "transpose")
_FUSED_ACTIVATIONS = ("leaky_relu", "tanh", "scaled_tanh", "sigmoid", "hard_sigmoid", "relu", "relu6")
Ranges = dict[str, dict[str, float]]


class Observer(Protocol):
    """Gathers the range of one value over batches."""

    def see(self, values: torch.Tensor) -> None:
        """Take a batch's values into account."""

    def range(self) -> tuple[float, float]:
        """The least and greatest value that quantization shall hold."""


class MinMax:
    """The least and the greatest value of all batches."""

    def __init__(self) -> None:
        self._low, self._high = np.inf, -np.inf

    def see(self, values: torch.Tensor) -> None:
        """Widen the range to `values`."""
        self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))

    def range(self) -> tuple[float, float]:
        """As seen."""
        return self._low, self._high


class MovingAverage:
    """Exponentially weighted means of the batches' least and greatest values."""

    def __init__(self, momentum: float = _MOMENTUM) -> None:
        self._momentum = momentum
        self._range: tuple[float, float] | None = None

    def see(self, values: torch.Tensor) -> None:
        """Move the range towards that of `values`."""
        new = float(values.min()), float(values.max())
        old = self._range or new
        self._range = (old[0] + self._momentum * (new[0] - old[0]), old[1] + self._momentum * (new[1] - old[1]))

    def range(self) -> tuple[float, float]:
        """The averages."""
        if self._range is None:
            raise ValueError("no values were seen")
        return self._range


class Percentile:
    """The range that leaves out equal shares of the values at both ends, from a histogram that grows with them.

    Args:
        percentile: share of the values inside the range, in percent.
    """

    def __init__(self, percentile: float) -> None:
        self._left_out = (1 - percentile / 100) / 2
        self._counts = np.zeros(_BINS)
        self._low, self._width = 0.0, 0.0
        self._least, self._greatest = math.inf, -math.inf

    def see(self, values: torch.Tensor) -> None:
        """Count `values`."""
        low, high = float(values.min()), float(values.max())
        self._grow(low, high)
        self._least, self._greatest = min(self._least, low), max(self._greatest, high)
        # histc leaves out what float32 puts beyond the outer edges.
        edges = (np.float32(self._low).item(), np.float32(self._low + self._width * _BINS).item())
        self._counts += torch.histc(values.float().clamp(*edges), _BINS, *edges).numpy()

    def _grow(self, low: float, high: float) -> None:
        """Widen the bins, by merging neighbours, until they hold both values."""
        if self._width == 0:
            self._low, self._width = low, max((high - low) / _BINS, float(np.finfo(np.float32).tiny))
        while high > self._low + self._width * _BINS * (1 + 1e-12):
            self._counts = np.concatenate([self._counts.reshape(-1, 2).sum(1), np.zeros(_BINS // 2)])
            self._width *= 2
        while low < self._low:
            self._counts = np.concatenate([np.zeros(_BINS // 2), self._counts.reshape(-1, 2).sum(1)])
            self._low -= self._width * _BINS
            self._width *= 2

    def range(self) -> tuple[float, float]:
        """Between the two quantiles."""
        total = np.cumsum(self._counts)
        places = np.interp(
            [self._left_out * total[-1], (1 - self._left_out) * total[-1]],
            np.concatenate([[0.0], total]),
            np.arange(_BINS + 1),
        )
        filled = np.flatnonzero(self._counts)
        low, high = np.clip(places, filled[0], filled[-1] + 1)
        return max(self._least, self._low + self._width * low), min(self._greatest, self._low + self._width * high)


def observer_for(settings: Activations) -> Callable[[], Observer]:
    """What makes a fresh observer of the kind that `settings` name."""
    if settings.observer == "percentile":
        return lambda: Percentile(settings.percentile)
    return MinMax if settings.observer == "min_max" else MovingAverage


def activation_ranges(
    mlmodel: Any, calibration: Iterable[dict[str, Any]], make: Callable[[], Observer], wanted: set[str] | None = None
) -> Ranges:
    """Ranges of an ML program's values, inputs included, over all of `calibration`.

    Args:
        mlmodel: a coremltools ``MLModel``; it need not be saved.
        calibration: inputs by name, one prediction each.
        make: makes an observer for each value.
        wanted: names of the values; all floating ones when left out.

    Returns:
        ``{name: {"rmin": least, "rmax": greatest}}``, as coremltools' graph passes take it.

    Raises:
        UsageProblem: there is no calibration data.
    """
    observers: dict[str, Observer] = {}

    def see(observation: Observation) -> None:
        value, name = observation.value, observation.name
        if value.is_floating_point() and value.numel() and (wanted is None or name in wanted):
            observers.setdefault(name, make()).see(value)

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "calibrated.mlpackage"
        with quiet():
            mlmodel.save(str(package))
        model = ReferenceModel(package)
        count = sum(1 for _ in model.predictions(calibration, see))
    if not count:
        raise UsageProblem("int8 activations need calibration data, and none was given: give a representative dataset")
    return {name: dict(zip(("rmin", "rmax"), one.range(), strict=True)) for name, one in observers.items()}


def quantize_activations(
    mlmodel: Any,
    config: Activations,
    calibration: Iterable[dict[str, Any]],
    *,
    keep_float: Callable[[Any], bool],
    learned: Ranges | None = None,
) -> Any:
    """An ML program with int8 activations; its weights stay as they are.

    Args:
        mlmodel: a coremltools ``MLModel`` for iOS 17 or later.
        config: observer, percentile and scheme.
        calibration: inputs by name, one prediction each; a hundred typical ones and more.
        keep_float: told of each MIL operation of the types in `QUANTIZED`; true leaves it in float.
        learned: ranges that a recipe learned, by the name of the value; they take the place of the gathered ones.

    Returns:
        The quantized model, made by coremltools' own graph passes. Operations whose values do not vary, or are beyond
        float16, stay in float.

    Raises:
        UsageProblem: there is no calibration data, or the model is for a system before iOS 17.
    """
    coremltools = load_coremltools()
    from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
    from coremltools.models import utils

    if mlmodel.get_spec().specificationVersion < coremltools.target.iOS17:
        raise UsageProblem('int8 activations need minimum_os = "iOS 17" or later')
    with quiet():
        mlmodel = utils._apply_graph_pass(mlmodel, _relu6_pass_class()(), spec_version=coremltools.target.iOS17)
        program = utils._apply_graph_pass(mlmodel, [], return_pymil_prog=True)
    ranges = activation_ranges(mlmodel, calibration, observer_for(config)) | (learned or {})
    operations = list(program_operations(program))
    _share_ranges(operations, ranges)
    candidates = [op for op in operations if op.op_type in QUANTIZED]
    kept = [op.name for op in candidates if keep_float(op) or not _quantizable(op, ranges)]
    quantizer = coremltools.optimize.coreml.OpLinearQuantizerConfig(
        mode="linear_symmetric" if config.scheme == "symmetric" else "linear", dtype=config.dtype, weight_threshold=None
    )
    settings = coremltools.optimize.coreml.OptimizationConfig(
        global_config=quantizer, op_name_configs=dict.fromkeys(kept)
    )
    passes = [PASS_REGISTRY[f"compression::insert_{place}_quantize_dequantize_pair"] for place in ("prefix", "suffix")]
    for one in passes:
        one.config = settings
        one.activation_stats = ranges
    with quiet():
        return utils._apply_graph_pass(
            mlmodel,
            [*passes, PASS_REGISTRY["common::dequantize_quantize_pair_elimination"]],
            spec_version=coremltools.target.iOS17,
        )


def _share_ranges(operations: Iterable[Any], ranges: Ranges) -> None:
    """Give what a concat joins, and its result, one range, so that it needs no requantization (as coremltools does)."""
    groups: list[set[str]] = []
    for op in operations:
        if op.op_type != "concat":
            continue
        names = {var.name for var in (*op.values, op.outputs[0])}
        touching = [group for group in groups if group & names]
        groups = [group for group in groups if not group & names] + [names.union(*touching)]
    for group in groups:
        known = [ranges[name] for name in group if name in ranges]
        for name in group & set(ranges):
            ranges[name] = {"rmin": min(one["rmin"] for one in known), "rmax": max(one["rmax"] for one in known)}


def _quantizable(op: Any, ranges: Ranges) -> bool:
    """Whether everything that the passes would quantize around `op` has a usable range."""
    names = [var.name for var in (op.inputs.get("x"), op.inputs.get("y")) if var is not None and var.val is None]
    names += [var.name for var in op.outputs]
    names += [child.outputs[0].name for child in op.outputs[0].child_ops[:1] if child.op_type in _FUSED_ACTIVATIONS]
    return all(name in ranges and _usable(ranges[name]) for name in names) and not _is_masked(op, names, ranges)


def _is_masked(op: Any, names: Iterable[str], ranges: Ranges) -> bool:
    """Whether an attention mask is added to scores: a range that reaches down to it would leave the scores one step."""
    return min(ranges[name]["rmin"] for name in names) < _FAR_BELOW and _reaches_softmax(op)


def _reaches_softmax(op: Any) -> bool:
    """Whether a softmax reads the result, scaled, moved or added to at most."""
    readers = [reader for var in op.outputs for reader in var.child_ops]
    return any(
        reader.op_type == "softmax" or (reader.op_type in _PASSING and _reaches_softmax(reader)) for reader in readers
    )


def _usable(one: dict[str, float]) -> bool:
    limit = float(np.finfo(np.float16).max)
    return _LEAST_SPAN < max(abs(one["rmin"]), abs(one["rmax"])) < limit


@functools.cache
def _relu6_pass_class() -> Any:
    """A graph pass that writes ``clip(x, 0, 6)`` as ``relu6``; made late, since its base is imported late.

    The passes that follow quantize the output of an operation after its activation, if they know the activation:
    relu6 they know, the clip that torch's ReLU6 becomes they do not, and would quantize the far wider range in front
    of it.
    """
    from coremltools.converters.mil.mil import Builder
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass
    from coremltools.converters.mil.mil.passes.helper import block_context_manager

    class ClipToRelu6(AbstractGraphPass):  # type: ignore[misc]
        """Replaces every such clip."""

        def apply(self, program: Any) -> None:
            """Rewrite `program` in place."""
            for function in program.functions.values():
                self._rewrite(function)

        @block_context_manager  # type: ignore[untyped-decorator]
        def _rewrite(self, block: Any) -> None:
            for op in list(block.operations):
                if op.op_type != "clip" or (float(op.alpha.val), float(op.beta.val)) != (0.0, 6.0):
                    continue
                new = Builder.relu6(x=op.x, name=op.name, before_op=op)
                name = op.outputs[0].name
                if block.try_replace_uses_of_var_after_op(anchor_op=op, old_var=op.outputs[0], new_var=new):
                    block.remove_ops([op])
                    new.set_name(name)

    return ClipToRelu6
