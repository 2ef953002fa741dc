"""Palettization of Core ML weights with exact k-means, in place of coremltools' slow one.

The file is the one that coremltools' palettizer would write, operation by operation, but for three things: tables are
globally optimal and weights take the nearest entry of the table as it is stored; per-channel scales are one an output
channel (coremltools 9.0 takes the largest magnitude over the output channels, one an input position, which leaves wide
channels wide); and a weight that cannot be grouped is left as it was (coremltools 9.0 leaves it divided by its
scales: its PR #2777).
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.execution.heavy import quiet
from exporter.formats.coreml.coremltools import load_coremltools

Array = NDArray[Any]


def table(values: Array, nbits: int) -> tuple[Array, NDArray[np.uint8]]:
    """The lookup table of least squared error for `values`, and each value's place in it.

    Args:
        values: any shape, floating.
        nbits: bits of a place; the table has ``2 ** nbits`` entries, zero past the number of distinct values.

    Returns:
        ``[2 ** nbits]`` in the dtype of `values`, and places ``[values.size]``.

    Raises:
        ValueError: a value is not finite.
    """
    from exporter.formats.common.kmeans1d import boundaries, distinct  # numba takes half a second

    numbers, weights = distinct(values)
    entries = min(len(numbers), 2**nbits)
    starts = boundaries(numbers, weights, entries)[:-1]
    centres = np.add.reduceat(weights * numbers, starts) / np.add.reduceat(weights, starts)
    stored = np.unique(centres.astype(values.dtype).astype(np.float64)).astype(values.dtype)  # two may be one now
    wide = stored.astype(np.float64)
    places = np.searchsorted((wide[1:] + wide[:-1]) / 2, np.ravel(values).astype(np.float64))
    lut = np.zeros(2**nbits, values.dtype)
    lut[: len(stored)] = stored
    return lut, places.astype(np.uint8)


def channel_scales(weight: Array, axis: int) -> Array:
    """The largest magnitude of each channel of `axis`; ``[1, .., channels, .., 1]``.

    A channel of zeros has the scale 0, which makes it zeros again whatever table entries it takes.
    """
    others = tuple(one for one in range(weight.ndim) if one != axis % weight.ndim)
    scales: Array = np.max(np.abs(weight), axis=others, keepdims=True)
    return scales


def _divided(weight: Array, scales: Array) -> Array:
    """`weight` over its scales, in its own dtype; channels of scale 0 as they are."""
    divided: Array = weight.astype(np.float32) / np.where(scales == 0, 1, scales)
    return divided.astype(weight.dtype)


def palettize_weights(mlmodel: Any, config: Any, joint_compression: bool = False) -> Any:
    """`coremltools.optimize.coreml.palettize_weights` with exact tables.

    Args:
        mlmodel: an ML program.
        config: coremltools' ``OptimizationConfig`` of ``OpPalettizerConfig``; settings by operation type and name hold.
        joint_compression: palettize what is already pruned or quantized.

    Returns:
        The palettized model. Weights that are too small, or whose groups do not divide their channels, are as they
        were.
    """
    load_coremltools()
    from coremltools.models import utils

    graph_pass = _graph_pass_class()(_with_exact_tables(config))
    graph_pass.joint_compression = joint_compression
    with quiet(), _counted_rightly():
        return utils._apply_graph_pass(mlmodel, graph_pass)


@contextlib.contextmanager
def _counted_rightly() -> Iterator[None]:
    """With distinct values of float16 counted by what they are.

    numpy 2.2 sorts float16 wrongly on processors with AVX512-FP16 where values repeat, so that ``np.unique`` finds more
    than there are, and coremltools' mode ``unique`` takes more bits a weight than it needs.
    """
    from coremltools.optimize.coreml._quantization_passes import palettize_weights as base

    theirs = base._get_nbits_for_unique_mode

    def bits(val: Array, allowed_nbits: Sequence[int], cluster_dim: int = 1, vector_axis: int | None = None) -> Any:
        return theirs(val.astype(np.float32), allowed_nbits, cluster_dim, vector_axis)

    base._get_nbits_for_unique_mode = staticmethod(bits)
    try:
        yield
    finally:
        base._get_nbits_for_unique_mode = staticmethod(theirs)


def _with_exact_tables(config: Any) -> Any:
    """The same settings, k-means replaced by a table function of ours."""
    exact = config.__class__(
        global_config=_exact(config.global_config),
        op_type_configs={key: _exact(value) for key, value in config.op_type_configs.items()},
        op_name_configs={key: _exact(value) for key, value in config.op_name_configs.items()},
    )
    exact._op_selector = config._op_selector
    return exact


def _exact(config: Any) -> Any:
    if config is None or config.mode != "KMEANS" or config.cluster_dim > 1:
        return config
    return config.__class__(
        mode="custom",
        lut_function=functools.partial(table, nbits=config.nbits),
        granularity=config.granularity,
        group_size=config.group_size,
        channel_axis=config.channel_axis,
        enable_per_channel_scale=config.enable_per_channel_scale,
        weight_threshold=config.weight_threshold,
    )


@functools.cache
def _graph_pass_class() -> Any:
    """Coremltools' palettizer, with scales by output channel; made late, since its base is imported late."""
    from coremltools.converters.mil.frontend import _utils as frontend
    from coremltools.converters.mil.mil import Builder
    from coremltools.optimize import _utils as optimize
    from coremltools.optimize.coreml._quantization_passes import palettize_weights as base

    class ExactPalettizer(base):  # type: ignore[misc]
        """Replaces each const by a table; a weight with per-channel scales is scaled here."""

        def transform_op(self, op: Any) -> None:
            """Palettize one const."""
            config = self.config._get_const_op_config(op)
            if config is None or not config.enable_per_channel_scale or self.joint_compression:
                super().transform_op(op)
            elif self.need_compress_const(op, False, config.weight_threshold):
                self._scale_and_palettize(op, config)

        def _scale_and_palettize(self, op: Any, config: Any) -> None:
            weight = op.outputs[0].val
            blocks, axis = optimize.infer_block_sizes(op, config, weight, return_channel_axis=True)
            if blocks is None:
                return
            scales = channel_scales(weight, axis)
            scaled = _divided(weight, scales)
            params = self.blockwise_compress(
                scaled, config.mode, config.nbits, blocks, config.lut_function, config.cluster_dim, channel_axis=axis
            )
            if params is None:
                return
            dense = frontend._construct_constexpr_lut_op(
                params.indices, params.lut, params.vector_axis, name=op.name + "_palettized", before_op=op
            )
            scaled_back = Builder.constexpr_blockwise_shift_scale(
                data=dense, scale=scales, before_op=op, name=op.name + "_palettized_pcs"
            )
            op.enclosing_block.replace_uses_of_var_after_op(
                anchor_op=op, old_var=op.outputs[0], new_var=scaled_back, no_check_var_types=True
            )
            op.enclosing_block.remove_ops([op])

    return ExactPalettizer
