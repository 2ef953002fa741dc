"""A module as ONNX by way of `torch.export`, its nodes named after the layers that they come from."""

import ast
import re
from collections.abc import Sequence
from typing import Any

import torch

from exporter.data.errors import first_line
from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import quiet
from exporter.formats.common.refusals import RefusedError, refusal
from exporter.sources.tracing.open_axes import dynamic_shapes
from exporter.sources.tracing.trace import as_converters_know, example_tensors

OPSET = 18
"""The oldest that this exporter writes."""
_SCOPES = "pkg.torch.onnx.name_scopes"


def exported_onnx(module: Any, inputs: Sequence[InputSpec], outputs: Sequence[str]) -> Any:
    """ONNX ModelProto with the given input and output names.

    Args:
        module: takes and gives tensors (`traceable`).

    Raises:
        ToolError: `torch.export` cannot follow the module, or an operator has no ONNX form.
    """
    try:
        with quiet(), as_converters_know():
            program = torch.onnx.export(
                module,
                example_tensors(inputs),
                dynamo=True,
                dynamic_shapes=dynamic_shapes(module, [spec.channels_first for spec in inputs]),
                input_names=[spec.name for spec in inputs],
                output_names=list(outputs),
                opset_version=OPSET,
                verbose=False,
            )
        return _named(program.model_proto)  # type: ignore[union-attr]  # with dynamo it is never None
    except Exception as error:
        raise _refused(error) from error


def _named(model: Any) -> Any:
    """Names as the other exporter writes them: of nodes layer and operator, ``/a/b.0/Conv``, of results likewise."""
    kept = {item.name for item in model.graph.output}
    renamed: dict[str, str] = {}
    for index, node in enumerate(model.graph.node):
        scopes = next((item.value for item in node.metadata_props if item.key == _SCOPES), "[]")
        layer = [name for name in ast.literal_eval(scopes)[:-1] if name][-1:]
        node.name = "/".join(["", *layer, f"{node.op_type}_{index}"])
        inner = ((at, name) for at, name in enumerate(node.output) if name and name not in kept)
        renamed |= {name: f"{node.name}_output_{at}" for at, name in inner}
        del node.metadata_props[:]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    del model.graph.value_info[:]
    return model


def _refused(error: BaseException) -> RefusedError:
    """The innermost reason: the exporter wraps it in advice of its own."""
    inner = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    operator = re.search(r"op='aten\.(\w+)'", str(inner))
    return refusal("The ONNX export by torch.export", operator[1] if operator else "", "", first_line(inner))
