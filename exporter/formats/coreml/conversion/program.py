"""Core ML: a graph to an ML program, in float; `coreml_compression` compresses it."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.data.facts.source import SourceDescription
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import quiet
from exporter.formats.common.layer_names import match_layers
from exporter.formats.common.pictures import Takes, pictures_of, told
from exporter.formats.common.rules import selects
from exporter.formats.coreml.conversion.graphs.graphs import Graph
from exporter.formats.coreml.conversion.inputs import input_types
from exporter.formats.coreml.conversion.names import rename_layers
from exporter.formats.coreml.conversion.operators import register_operators
from exporter.formats.coreml.conversion.refusal import coreml_refusal
from exporter.formats.coreml.coremltools import load_coremltools
from exporter.formats.coreml.inspection.reader import IMAGES, load_spec
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.coreml.walk import program_operations

_NAMED_BY_WEIGHT = {"conv", "conv_transpose", "linear", "matmul"}


@dataclass(frozen=True)
class CoremlModel:
    """A converted model in memory.

    Attributes:
        mlmodel: ``coremltools.models.MLModel``, its values named after the source's layers.
        layers: operation name -> PyTorch layer, for operations with a weight.
        operations: every operation of the program, inner blocks included.
    """

    mlmodel: Any
    layers: Mapping[str, str]
    operations: Sequence[Any]


def convert_float(
    graph: Graph,
    description: SourceDescription,
    settings: ModelSettings,
    target: CoremlTarget,
    weights: Mapping[str, NDArray[Any]],
    states: Sequence[Any] | None = None,
) -> CoremlModel:
    """An ML program in the target's compute precision, nothing compressed.

    Args:
        graph: image inputs are NCHW; for image inputs of Core ML it divides by standard deviations that differ.
        description: names, shapes, normalization, labels.
        settings: author, license, version.
        target: minimum OS, precision, rules that keep operations in float32.
        weights: layer -> weight of the source, to name layers by.
        states: a ``coremltools.StateType`` for each buffer that the model keeps; None where it keeps none.

    Raises:
        ToolError: coremltools cannot convert the model.
    """
    model = _convert(graph, description, target, set(), states)
    layers = _layers(model, weights)
    kept = _float32_operations(model, layers, target)
    if kept:
        model = _convert(graph, description, target, kept, states)
        layers = _layers(model, weights)
    _describe(model, settings, description, target)
    renamed = rename_layers(model._spec, layers)
    # coremltools compresses what the specification says, so plans are made from it and not from the program in memory.
    program = load_spec(model._spec, Path(model.weights_dir))
    return CoremlModel(model, renamed, _operations(program))


def _operations(program: Any) -> list[Any]:
    return list(program_operations(program))


def layer_of(op: Any, layers: Mapping[str, str]) -> str:
    """The PyTorch layer of an operation where it is known, else the operation's own name."""
    return layers.get(op.name, op.name)


def _convert(
    graph: Graph,
    description: SourceDescription,
    target: CoremlTarget,
    float32_ops: set[str],
    states: Sequence[Any] | None,
) -> Any:
    coremltools = load_coremltools()
    register_operators()
    classes = coremltools.ClassifierConfig(list(description.labels)) if description.labels else None
    outputs = [coremltools.TensorType(name=name, dtype=np.float32) for name in description.outputs]
    said = Said()
    try:
        with quiet(), said:
            return coremltools.convert(
                graph.program,
                inputs=input_types(description.inputs, target.input_kind),
                outputs=None if classes else outputs,
                states=states,
                classifier_config=classes,
                convert_to="mlprogram",
                minimum_deployment_target=deployment_target(coremltools, target.generation),
                compute_precision=_precision(coremltools, target, float32_ops),
                compute_units=coremltools.ComputeUnit[target.compute_units.upper()],
                skip_model_load=True,
            )
    except Exception as error:
        raise coreml_refusal(error, said.text, graph.place_of) from error


class Said(logging.Handler):
    """Keeps what coremltools logs while it converts: it names the operator there, and not in its exception."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """One message."""
        self.text += record.getMessage()

    def __enter__(self) -> None:
        logging.getLogger("coremltools").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("coremltools").removeHandler(self)


def _precision(coremltools: Any, target: CoremlTarget, float32_ops: set[str]) -> Any:
    if target.quantization.precision == "float32":
        return coremltools.precision.FLOAT32
    return coremltools.transform.FP16ComputePrecision(
        op_selector=lambda op: _sanitized(op.name) not in float32_ops and not _is_beyond_float16(op)
    )


def _is_beyond_float16(op: Any) -> bool:
    """Whether it reads a finite constant that float16 would make infinite.

    A mask is (1 - seen) * -3.4e38 in most encoders of text, and 0 * infinity is no number.
    """
    return any(_overflows(getattr(var, "val", None)) for var in op.inputs.values())


def _overflows(values: Any) -> bool:
    found = np.abs(values) if isinstance(values, np.ndarray | np.floating) else np.zeros(0)
    return bool((np.isfinite(found) & (found > np.finfo(np.float16).max)).any())


def _sanitized(name: str) -> str:
    """The name that coremltools will write for an operation that still has its name in the traced graph."""
    identifier = re.sub(r"\W", "_", name)
    return f"op_{identifier}" if identifier[:1].isdigit() else identifier


def _float32_operations(model: Any, layers: Mapping[str, str], target: CoremlTarget) -> set[str]:
    """Names, without the precision pass's suffix, of operations that a rule keeps in float32."""
    if target.quantization.precision == "float32":
        return set()
    kept = set()
    for op in _operations(model._mil_program):
        for rule in target.quantization.rules:
            if rule.precision == "float32" and selects(rule, op.op_type, layer_of(op, layers)):
                kept.add(re.sub(r"_cast_fp16$", "", op.name))
    return kept


def _layers(model: Any, weights: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    found = {}
    for op in _operations(model._mil_program):
        parameter = op.inputs.get("weight") if op.op_type in _NAMED_BY_WEIGHT else None
        if parameter is not None and parameter.val is not None:
            values = np.asarray(parameter.val)
            found[op.name] = values.swapaxes(0, 1) if op.op_type == "conv_transpose" else values
    return match_layers(weights, found)


def deployment_target(coremltools: Any, generation: int) -> Any:
    """The newest deployment target that is not newer than iOS `generation`."""
    known = {int(name.removeprefix("iOS")): name for name in coremltools.target.__members__ if name.startswith("iOS")}
    return coremltools.target[known[max(version for version in known if version <= generation)]]


def _describe(model: Any, settings: ModelSettings, description: SourceDescription, target: CoremlTarget) -> None:
    model.author = settings.author
    model.license = settings.license
    model.version = settings.version
    model.short_description = settings.description or f"{description.spec}, exported by mobile-export"
    if description.labels:
        model.user_defined_metadata["com.apple.coreml.model.preview.type"] = "imageClassifier"
    takes: Takes = "images" if target.input_kind == "image" else "floats"
    if pictures := told(pictures_of(description.inputs, settings, takes)):
        model.user_defined_metadata[IMAGES] = pictures
