"""onnx2tf's direct builder up to the float32 model, without what it does for other files and for its terminal."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn
from unittest import mock

from exporter.execution.heavy import load

_BUILDER = "onnx2tf.tflite_builder"


class _Reached(BaseException):
    """The builder is at its float32 model; no exception of its own, which it would catch."""


@contextmanager
def at_the_float32_model() -> Iterator[Callable[[], bytes]]:
    """End a conversion by onnx2tf where it has the float32 model, and give what gives that.

    It would go on to a float16 model, and read back what it wrote.
    """
    serialize = load(f"{_BUILDER}.model_writer").serialize_model
    content: list[bytes] = []

    def reached(*, schema_tflite: Any, model_ir: Any, output_tflite_path: str, timing: Any) -> NoReturn:
        content.append(bytes(serialize(schema_tflite=schema_tflite, model_ir=model_ir)))
        raise _Reached

    with ExitStack() as changes:
        for change in (*_spared(), mock.patch.object(load(_BUILDER), "write_model_file", reached)):
            changes.enter_context(change)
        with suppress(_Reached):
            yield content.pop


def _spared() -> list[Any]:
    """Without the spinner, for whose thread each of two dozen steps waits up to a tenth of a second, and copies.

    The schema is imported once: the builder compiles its 20,000 lines anew for each folder that it writes to.
    """
    spinner = load(f"{_BUILDER}.core.progress").ProgressSpinner
    state = load(f"{_BUILDER}.core.model_ir_pass_state").ModelIRPassState
    return [
        mock.patch.object(spinner, "start", return_value=None),
        mock.patch.object(state, "snapshot", _snapshot),
        mock.patch.object(load(_BUILDER), "load_schema_module", _schema),
    ]


def _schema(_: str) -> dict[str, Any]:
    schema: dict[str, Any] = vars(load(f"{_BUILDER}.schema.schema_generated"))
    return schema


def _snapshot(state: Any) -> Any:
    """What a pass that fails goes back to; constants are the same arrays, which no pass may write to from then on."""
    model = state.model_ir
    state._freeze_constant_buffers(model)
    return copy.deepcopy(model, {id(tensor.data): tensor.data for tensor in model.tensors.values()})
