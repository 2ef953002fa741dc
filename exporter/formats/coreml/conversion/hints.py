"""Gives weights of a compressed model the form in Core ML that they were trained in.

Their values already are the final ones, so nothing is clustered or ranked again: a table is the weight's own distinct
values (coremltools mode ``unique``), a sparse weight its own zeros, an integer grid its own multiples of the scale.
"""

from dataclasses import dataclass, field
from typing import Any

from exporter.data.errors import ToolError
from exporter.data.facts.hints import CompressionHints, WeightForm
from exporter.execution.heavy import load, quiet
from exporter.formats.coreml.conversion.kmeans import palettize_weights
from exporter.formats.coreml.conversion.program import CoremlModel

ALMOST_NOTHING = 1e-12


@dataclass(frozen=True)
class HintedConfigs:
    """coremltools settings by name of the operation that reads the weight, in the order in which they are applied.

    Operations keep their names while constants are replaced, so a joint form (sparse, then a table) finds its weight.
    """

    sparse: dict[str, Any] = field(default_factory=dict)
    palettes: dict[str, Any] = field(default_factory=dict)
    linear: dict[str, Any] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Operations whose weight has a form; a target's own settings are not for them."""
        return {*self.sparse, *self.palettes, *self.linear}


def hinted_configs(model: CoremlModel, hints: CompressionHints) -> HintedConfigs:
    """Settings for every operation whose layer has a form in `hints`.

    Args:
        model: the float program with its layers' names.
        hints: of the compressed model.
    """
    optimize = load("coremltools.optimize.coreml")
    forms = {form.name.removesuffix(".weight"): form for form in hints.weights}
    configs = HintedConfigs()
    for operation, layer in model.layers.items():
        form = forms.get(layer)
        if form is None:
            continue
        if form.sparse:
            configs.sparse[operation] = optimize.OpThresholdPrunerConfig(
                threshold=ALMOST_NOTHING, minimum_sparsity_percentile=0.0, weight_threshold=0
            )
        if form.form == "table":
            configs.palettes[operation] = _palette(optimize, form)
        elif form.form == "linear":
            configs.linear[operation] = _linear(optimize, form)
    return configs


def compress_as_hinted(mlmodel: Any, configs: HintedConfigs) -> Any:
    """The ``MLModel`` with every hinted weight in its form; the given one when there are no hints.

    Raises:
        ToolError: the deployment target cannot hold a form.
    """
    optimize = load("coremltools.optimize.coreml")
    passes: tuple[tuple[dict[str, Any], Any, dict[str, Any]], ...] = (
        (configs.sparse, optimize.prune_weights, {}),
        (configs.palettes, palettize_weights, {"joint_compression": bool(configs.sparse)}),
        (configs.linear, optimize.linear_quantize_weights, {"joint_compression": bool(configs.sparse)}),
    )
    try:
        for names, apply, options in passes:
            if names:
                with quiet():
                    mlmodel = apply(mlmodel, optimize.OptimizationConfig(op_name_configs=names), **options)
    except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
        raise ToolError(
            f"coremltools cannot store the weights in the form that they were trained in: {error}"
        ) from error
    return mlmodel


def _palette(optimize: Any, form: WeightForm) -> Any:
    granularity = "per_tensor" if form.group_size is None else "per_grouped_channel"
    return optimize.OpPalettizerConfig(
        mode="unique", granularity=granularity, group_size=form.group_size or 1, channel_axis=0, weight_threshold=0
    )


def _linear(optimize: Any, form: WeightForm) -> Any:
    return optimize.OpLinearQuantizerConfig(
        mode="linear_symmetric",
        dtype=f"int{form.bits}",
        granularity="per_channel" if form.block_size is None else "per_block",
        block_size=form.block_size or 32,
        weight_threshold=0,
    )
