"""Compresses an ML program as a target asks: pruned first, then weights, then activations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exporter.data.errors import ToolError
from exporter.data.facts.compression import LeftAlone
from exporter.data.facts.inspection import Inspection, WeightFact
from exporter.execution.heavy import load, quiet
from exporter.formats.common.rules import selects
from exporter.formats.coreml.conversion import kmeans as coreml_kmeans
from exporter.formats.coreml.conversion.program import CoremlModel, layer_of
from exporter.formats.coreml.settings import CoremlQuantization, LinearWeights, PalettizedWeights, Sparsity

WeightSetting = LinearWeights | PalettizedWeights


COMPRESSIBLE = {"conv", "conv_transpose", "linear", "matmul", "einsum", "gather", "lstm", "gru", "rnn"}
"""Operation types whose constants are weights."""


@dataclass(frozen=True)
class WeightPlan:
    """What is to happen to the weights of one operation; None for nothing.

    Attributes:
        by_rule: whether a rule said "none".
    """

    weights: WeightSetting | None
    sparsity: Sparsity | None
    by_rule: bool

    def words(self) -> set[str]:
        """What the form of the weight must say once the plan was carried out."""
        found = {"sparse"} if self.sparsity else set()
        if self.weights is not None:
            found.add("linear" if isinstance(self.weights, LinearWeights) else "palettized")
        return found


def plan_weights(model: CoremlModel, quantization: CoremlQuantization) -> dict[str, WeightPlan]:
    """The plan of every operation with a weight, by its name; of two rules that select it the later wins.

    Plans go by the operation and not by its constant, because coremltools looks a joint form up by the former.
    """
    return {
        op.name: _plan(op.op_type, layer_of(op, model.layers), quantization)
        for op in model.operations
        if op.op_type in COMPRESSIBLE and any(_is_weight(value) for value in op.inputs.values())
    }


def _is_weight(value: Any) -> bool:
    stored = getattr(value, "op", None) is not None and value.op.op_type == "const"
    return bool(stored and isinstance(value.val, np.ndarray) and value.val.ndim >= 2 and value.val.dtype.kind == "f")


def compress_weights(mlmodel: Any, plans: Mapping[str, WeightPlan]) -> Any:
    """The compressed ``MLModel``; the given one when there is nothing to do.

    Raises:
        ToolError: coremltools refuses a setting.
    """
    optimize = load("coremltools.optimize.coreml")
    sparse = {name: _pruner(optimize, plan.sparsity) for name, plan in plans.items() if plan.sparsity}
    linear = {
        name: _linear(optimize, plan.weights) for name, plan in plans.items() if isinstance(plan.weights, LinearWeights)
    }
    palettes = {
        name: _palettizer(optimize, plan.weights)
        for name, plan in plans.items()
        if isinstance(plan.weights, PalettizedWeights)
    }
    joint = False
    for configs, apply in (
        (sparse, optimize.prune_weights),
        (palettes, coreml_kmeans.palettize_weights),
        (linear, optimize.linear_quantize_weights),
    ):
        if configs:
            mlmodel = _applied(mlmodel, configs, apply, optimize, joint=joint)
            joint = joint or configs is sparse
    return mlmodel


def left_alone(
    inspection: Inspection, quantization: CoremlQuantization, plans: Mapping[str, WeightPlan]
) -> tuple[LeftAlone, ...]:
    """Weights that lack a form that the settings ask for, and those that are still plain floats, with the reason.

    Args:
        inspection: of the compressed artifact.
        plans: of `plan_weights`.
    """
    if not quantization.methods():
        return ()
    found = []
    for weight in inspection.weights:
        plan = plans.get(weight.layer)
        lacking = plan.words() - set(weight.quantization.split()) if plan else set()
        if weight.kind == "weight" and (lacking or weight.quantization == "none"):
            found.append(LeftAlone(name=weight.layer, reason=_reason(weight, plan), size_bytes=weight.size_bytes))
    return tuple(found)


def _reason(weight: WeightFact, plan: WeightPlan | None) -> str:
    if plan is None:
        return "no setting reaches it"
    if plan.by_rule:
        return "a rule leaves it alone"
    setting = plan.weights or plan.sparsity
    if setting is None:
        return "no setting reaches it"
    if weight.parameters <= setting.weight_threshold:
        return f"{weight.parameters} elements, not more than weight_threshold {setting.weight_threshold}"
    grouped = isinstance(setting, PalettizedWeights) and setting.granularity == "per_grouped_channel"
    if isinstance(setting, PalettizedWeights) and grouped and weight.shape[0] % setting.group_size:
        return f"{weight.shape[0]} channels cannot be divided into groups of {setting.group_size}"
    if isinstance(setting, LinearWeights) and setting.granularity == "per_block":
        return f"{weight.shape[1]} input channels cannot be divided into blocks of {setting.block_size}"
    return "coremltools left it without a reason"


def _plan(op_type: str, name: str, quantization: CoremlQuantization) -> WeightPlan:
    weights: Any = quantization.weights
    sparsity: Any = quantization.sparsity
    for rule in quantization.rules:
        if selects(rule, op_type, name):
            weights = rule.weights if rule.weights is not None else weights
            sparsity = rule.sparsity if rule.sparsity is not None else sparsity
    return WeightPlan(
        weights=None if weights == "none" else weights,
        sparsity=None if sparsity == "none" else sparsity,
        by_rule="none" in (weights, sparsity),
    )


def _applied(mlmodel: Any, configs: dict[str, Any], apply: Callable[..., Any], optimize: Any, *, joint: bool) -> Any:
    config = optimize.OptimizationConfig(op_name_configs=configs)
    options = {"joint_compression": True} if joint else {}
    try:
        with quiet():
            return apply(mlmodel, config, **options)
    except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
        raise ToolError(f"coremltools cannot compress the weights: {error}") from error


def _pruner(optimize: Any, setting: Sparsity) -> Any:
    ratio = (
        {"target_sparsity": setting.target_sparsity} if setting.target_sparsity else {"n_m_ratio": setting.n_m_ratio}
    )
    return optimize.OpMagnitudePrunerConfig(**ratio, weight_threshold=setting.weight_threshold)


def _linear(optimize: Any, setting: LinearWeights) -> Any:
    signed = {"symmetric": "int", "affine": "uint"}[setting.scheme]
    return optimize.OpLinearQuantizerConfig(
        mode="linear_symmetric" if setting.scheme == "symmetric" else "linear",
        dtype=f"{signed}{setting.nbits}",
        granularity=setting.granularity,
        block_size=setting.block_size,
        weight_threshold=setting.weight_threshold,
    )


def _palettizer(optimize: Any, setting: PalettizedWeights) -> Any:
    return optimize.OpPalettizerConfig(
        mode=setting.mode,
        nbits=None if setting.mode == "unique" else setting.nbits,
        granularity=setting.granularity,
        group_size=setting.group_size,
        enable_per_channel_scale=setting.per_channel_scale,
        weight_threshold=setting.weight_threshold,
    )
