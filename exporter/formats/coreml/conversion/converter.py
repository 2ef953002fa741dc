"""CoremlConverter: every Core ML artifact of one source, from one float program a precision and system."""

import dataclasses
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import quiet
from exporter.formats.common.equalization import NotTraceableError, equalize
from exporter.formats.common.routes import Route, Taken, first_right, only
from exporter.formats.common.rules import selects
from exporter.formats.common.tracing.graph import SourceGraph
from exporter.formats.coreml.conversion import compression as coreml_compression
from exporter.formats.coreml.conversion import hints as coreml_hints
from exporter.formats.coreml.conversion import program as coreml
from exporter.formats.coreml.conversion import ranges as coreml_ranges
from exporter.formats.coreml.conversion.activations import quantize_activations
from exporter.formats.coreml.conversion.check import LEAST_DB, Check
from exporter.formats.coreml.conversion.graphs.graphs import ROUTES, Graph
from exporter.formats.coreml.conversion.graphs.states import state_types, with_states
from exporter.formats.coreml.conversion.package import save
from exporter.formats.coreml.examples import core_ml_features
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.format import Made
from exporter.sources.tracing.trace import example_tensors


class CoremlConverter:
    """Converts one source; float programs are made once for the settings that decide them."""

    def __init__(self, source: SourceGraph) -> None:
        self.source = source
        self._floats: dict[str, Taken[coreml.CoremlModel]] = {}

    def convert(self, target: CoremlTarget, path: Path, twin: Path) -> Made:
        """Write the package to `path`, and the same program without compression to `twin`.

        Raises:
            UsageProblem: calibration data is missing.
            ToolError: coremltools failed.
        """
        target, notes = self._one_picture_only(target)
        taken = self._float(target)
        model = taken.model
        hints = self.source.source.hints
        forms = coreml_hints.hinted_configs(model, hints)
        if forms.names() and target.quantization.equalize:
            raise UsageProblem(
                f"target {target.name}: quantization.equalize would scale the weights out of the form that the recipe "
                "gave them. Set equalize in the recipe's step instead."
            )
        # The target's settings are for the operations that the recipe gave no form.
        free = [op for op in model.operations if op.name not in forms.names()]
        plans = coreml_compression.plan_weights(dataclasses.replace(model, operations=free), target.quantization)
        save(model.mlmodel, twin)
        mlmodel = coreml_hints.compress_as_hinted(self._activations(model, target), forms)
        mlmodel = coreml_compression.compress_weights(mlmodel, plans)
        save(mlmodel, path)
        left = partial(coreml_compression.left_alone, quantization=target.quantization, plans=plans)
        reason = self._equalized[1] if target.quantization.equalize else ""
        return Made(taken.route, (*notes, *taken.notes, *([reason] if reason else [])), left)

    def _one_picture_only(self, target: CoremlTarget) -> tuple[CoremlTarget, tuple[str, ...]]:
        """The target as it can be had, with the reason: an image input of Core ML holds one picture."""
        batches = [spec for spec in self.source.description.inputs if spec.image and spec.shape[0] != 1]
        if not batches or target.input_kind == "tensor":
            return target, ()
        note = (
            f"input {batches[0].name} takes {batches[0].shape[0]} pictures, and an image input of Core ML holds one: "
            "it is a multi-array, which the app normalizes"
        )
        return target.model_copy(update={"input_kind": "tensor"}), (note,)

    @cached_property
    def _equalized(self) -> tuple[SourceGraph, str]:
        """The source with equalized weights (Nagel et al. 2019): the same function, easier to quantize.

        A source that cannot be traced stays as it is, with the reason.
        """
        source = self.source.source
        try:
            with quiet():
                module = equalize(source.module, example_tensors(source.description.inputs))
        except NotTraceableError as error:
            return self.source, f"the weights were not equalized: {error}"
        return self.source.of(dataclasses.replace(source, module=module)), ""

    def _float(self, target: CoremlTarget) -> Taken[coreml.CoremlModel]:
        quantization = target.quantization
        rules = [rule for rule in quantization.rules if rule.precision]
        kind = target.generation, target.input_kind, target.route, target.states
        key = repr((kind, quantization.precision, rules, quantization.equalize))
        if key not in self._floats:
            self._floats[key] = self._converted(self._equalized[0] if quantization.equalize else self.source, target)
        return self._floats[key]

    def _converted(self, source: SourceGraph, target: CoremlTarget) -> Taken[coreml.CoremlModel]:
        """The program of the first route that gives a right one."""
        least, check = LEAST_DB[target.quantization.precision], Check(source)
        given = with_states(source) if target.states else source

        def made(graph_of: Callable[..., Graph]) -> coreml.CoremlModel:
            graph = graph_of(given, dividing=target.input_kind == "image")
            settings, states = given.source.settings, state_types(given.source.module)
            return coreml.convert_float(graph, given.description, settings, target, given.layer_weights, states)

        return first_right(
            only([Route(name, partial(made, graph_of)) for name, graph_of in ROUTES.items()], target.route),
            lambda model: check.snr_of(model.mlmodel),
            "a Core ML model",
            least_db=least,
            blame=lambda model: check.first_wrong(model.mlmodel, least),
        )

    def _activations(self, model: coreml.CoremlModel, target: CoremlTarget) -> Any:
        """The model with int8 activations where the target asks for them."""
        if target.quantization.activations is None:
            return model.mlmodel
        kept = [rule for rule in target.quantization.rules if rule.activations == "none"]
        description = self.source.description
        images = {spec.name for spec in description.inputs if spec.image and target.input_kind == "image"}
        examples = (
            core_ml_features(description.inputs, example, images) for example in self.source.calibration_batches()
        )
        return quantize_activations(
            model.mlmodel,
            target.quantization.activations,
            examples,
            learned=self._learned(target),
            keep_float=lambda op: any(selects(rule, op.op_type, coreml.layer_of(op, model.layers)) for rule in kept),
        )

    def _learned(self, target: CoremlTarget) -> dict[str, dict[str, float]]:
        """Ranges that a recipe learned, found in the same program with tensor inputs, which takes the probe input."""
        if not self.source.source.hints.activations:
            return {}
        with_tensors = self._float(target.model_copy(update={"input_kind": "tensor"}))
        return coreml_ranges.learned_ranges(with_tensors.model.mlmodel, self.source.source.hints)
