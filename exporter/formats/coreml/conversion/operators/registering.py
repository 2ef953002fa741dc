"""The table of translations, and how they take effect."""

from collections.abc import Callable
from functools import cache
from typing import Any

from exporter.execution.heavy import load
from exporter.formats.coreml.coremltools import load_coremltools

Translation = Callable[[Any, Any], None]
"""Reads the operands of a node from coremltools' context and adds its result there."""

_FRONTEND = "coremltools.converters.mil.frontend.torch"
TRANSLATIONS: dict[str, Translation] = {}
"""Name of an ATen operator, with its overload where coremltools tells that apart -> its translation."""
INSTEAD: set[str] = set()
"""Those that stand instead of coremltools' own."""
ALIASES: dict[str, str] = {
    "alias": "clone",
    "lift_fresh_copy": "clone",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "where.scalarother": "where",
}
"""Names of what coremltools knows under another one."""


def translation(*names: str, instead: bool = False) -> Callable[[Translation], Translation]:
    """Enter a function into `TRANSLATIONS`.

    Args:
        names: of the operator; its namespace and the overloads default, int, Tensor and Scalar are left out.
        instead: whether it replaces coremltools' own.
    """

    def enter(function: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(names, function))
        INSTEAD.update(names if instead else ())
        return function

    return enter


@cache
def register_operators() -> None:
    """Make the translations known to coremltools, once; what it knows by then is left alone."""
    known = registry()
    for name, function in TRANSLATIONS.items():
        if name in INSTEAD or known.get_func(name) is None:
            known.set_func_by_name(function, name)
    for name, other in ALIASES.items():
        if known.get_func(name) is None:
            known.set_func_by_name(known.get_func(other), name)


def registry() -> Any:
    """Coremltools' table of the operators that it translates."""
    load_coremltools()
    return load(f"{_FRONTEND}.torch_op_registry")._TORCH_OPS_REGISTRY


def builder() -> Any:
    """What adds operations to an ML program."""
    return load("coremltools").converters.mil.Builder


def operands(context: Any, node: Any, *names: str) -> list[Any]:
    """The operands of a node by the names of its schema, None for those that it leaves to their defaults.

    TorchScript gives all of them in order, `torch.export` the first ones in order and others by name. Tensors and
    numbers are values of the ML program; lists may be Python's, of such values.
    """
    bind = load(f"{_FRONTEND}.ops")._get_bindings
    given = dict(zip(names, bind(context, node.inputs), strict=False))
    for name, value in (node.kwinputs or {}).items():
        bound = bind(context, value)
        given[name] = bound[0] if bound else None
    return [given.get(name) for name in names]


def known(operand: Any, default: Any = None) -> Any:
    """What an operand that does not depend on the model's inputs holds, or the default where it was left out.

    Raises:
        NotImplementedError: it depends on them.
    """
    if operand is None:
        return default
    if isinstance(operand, list | tuple):
        return [known(item) for item in operand]
    value = getattr(operand, "val", operand)
    if value is None:
        raise NotImplementedError("an option of it depends on the input")
    return value.tolist() if hasattr(value, "tolist") else value


def add_first(context: Any, node: Any, value: Any, results: int) -> None:
    """Give the first of a node's results: TorchScript names each of them, `torch.export` has a tuple."""
    is_tuple = context.frontend.name != "TORCHSCRIPT"
    context.add((value, *[None] * (results - 1)) if is_tuple else value, node.outputs[0])
