"""An ONNX model through the first half of onnx2tf's direct builder: to operators of TFLite in memory, nothing written.

Each operator is validated and translated as in a conversion; the passes that move channels and the writing of the file,
which take most of its time, are left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from exporter.data.facts.source import InputSpec
from exporter.execution.heavy import load, quiet
from exporter.formats.common.refusals import plain
from exporter.formats.tflite.conversion.builders.direct import in_layout
from exporter.formats.tflite.conversion.builders.gelu import with_gelus

_BUILDER = "onnx2tf.tflite_builder"
_ADAPTERS = {"TRANSPOSE", "RESHAPE"}
"""What a translation puts round an operator to move channels; later passes remove most of them."""
_WRITTEN_AS = {"EXPAND_DIMS": "RESHAPE", "SQUEEZE": "RESHAPE"}
"""What later passes make of an operator wherever it stands."""
_CUSTOM = "CUSTOM"
_NO_BUILTIN = "TFLite has no such operator, and phones would need one of their own"


@dataclass(frozen=True)
class Operand:
    """What an operator reads or writes; a constant one is known before the model runs."""

    dtype: str
    shape: tuple[int, ...]
    constant: bool


@dataclass(frozen=True)
class LoweredOperator:
    """An operator of TFLite: its name and its options as the schema calls them, what it reads and what it writes."""

    kind: str
    options: Mapping[str, Any]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]


@dataclass(frozen=True)
class Lowered:
    """What the builder made of an ONNX model.

    Attributes:
        nodes: of the model as the builder is given it, in order.
        operators: name of a node -> what it becomes, as far as the builder came.
        refused: name of a node -> why the builder refuses it.
        stopped: why it stopped elsewhere; empty where it did not.
    """

    nodes: Sequence[Any]
    operators: Mapping[str, Sequence[LoweredOperator]]
    refused: Mapping[str, str]
    stopped: str = ""


def lower(onnx_model: Any, inputs: Sequence[InputSpec], layout: str) -> Lowered:
    """The operators of TFLite that each node becomes, and all nodes that the builder refuses.

    Args:
        onnx_model: simplified, image inputs NCHW; left as it is.
        layout: of image inputs and four-dimensional outputs of the result, ``NHWC`` or ``NCHW``.
    """
    nodes, found = list[Any](), dict[str, list[LoweredOperator]]()
    ready = None
    try:
        given = with_gelus(in_layout(onnx_model, inputs, layout))
        nodes += given.graph.node
        with quiet(), _recorded(found):
            ready = _preprocessed(given)
            load(f"{_BUILDER}.lower_from_onnx2tf").lower_onnx_to_ir(
                onnx_graph=ready, output_file_name="checked", optimize_layout_transpose_chains=False
            )
    except Exception as error:  # noqa: BLE001 - whatever it raises, it refuses the model, as in a conversion
        refused = _unsupported(ready) if ready is not None else {}
        return Lowered(nodes, found, refused, "" if refused else f"{type(error).__name__}: {plain(str(error))}")
    custom = {name: _NO_BUILTIN for name, made in found.items() if any(one.kind == _CUSTOM for one in made)}
    return Lowered(nodes, found, custom)


def _preprocessed(model: Any) -> Any:
    library = load(f"{_BUILDER}.preprocess")
    library.register_default_preprocess_rules()
    return library.run_preprocess_pipeline(onnx_graph=model)[0]


def _unsupported(ready: Any) -> dict[str, str]:
    """Name of every node of a preprocessed model that no translation takes -> the reason."""
    with quiet():
        report = load(f"{_BUILDER}.lower_from_onnx2tf").build_op_coverage_report(
            onnx_graph=ready, output_file_name="checked"
        )
    return {one["node_name"]: plain(one["message"]) for one in report["unsupported_nodes"]}


@contextmanager
def _recorded(found: dict[str, list[LoweredOperator]]) -> Iterator[None]:
    """With every node's operators in `found` as its translation leaves them; later passes forget whose they are."""
    library = load(f"{_BUILDER}.lower_from_onnx2tf")
    with mock.patch.object(library, "dispatch_node", _recording(library.dispatch_node, found)):
        yield


def _recording(dispatch: Callable[[Any, Any], None], found: dict[str, list[LoweredOperator]]) -> Callable[..., None]:
    def recording(node: Any, context: Any) -> None:
        model = context.model_ir
        before = list(model.operators)  # of which a translation may take some away
        known = set(map(id, before))
        dispatch(node, context)
        added = [_read(one, model.tensors) for one in model.operators if id(one) not in known]
        found[str(node.name)] = [one for one in added if one.kind not in _ADAPTERS] or added

    return recording


def _read(operator: Any, tensors: Mapping[str, Any]) -> LoweredOperator:
    def operands(names: Sequence[str]) -> tuple[Operand, ...]:
        known = (tensors[name] for name in names if name in tensors)
        return tuple(Operand(str(one.dtype), tuple(one.shape), one.data is not None) for one in known)

    kind = _WRITTEN_AS.get(operator.op_type, operator.op_type)
    return LoweredOperator(kind, dict(operator.options), operands(operator.inputs), operands(operator.outputs))
