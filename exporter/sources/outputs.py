"""What a model gives: its tensors in order, and names for them that both formats allow."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exporter.data.errors import UsageProblem
from exporter.execution.heavy import load_torch

_WORDS = "any bool program func tensor list dict tuple true false string state bf16 fp16 fp32 fp64"
_INTEGERS = (f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))
_RESERVED = frozenset((*_WORDS.split(" "), *_INTEGERS))
"""Words of Core ML's MIL, which can name no value (coremltools ``NameSanitizer``)."""


def flatten(result: Any) -> list[Any]:
    """Tensors of a model's result in order; dictionaries (torchvision segmentation) by insertion order."""
    return [tensor for _, tensor in named_tensors(result)]


def named_tensors(result: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each tensor of a result with the keys that lead to it; what is None (as in transformers' outputs) is left out.

    Raises:
        UsageProblem: something in it is no tensor.
    """
    for key, value in _parts(result):
        here = (*path, key) if key else path
        if isinstance(value, (load_torch().Tensor, load_torch().fx.Proxy)):  # or what torch.fx traces in its place
            yield here, value
        elif value is None:
            continue
        elif _holds_parts(value):
            yield from named_tensors(value, here)
        else:
            where = f"output {'.'.join(here)}" if here else "the output"
            raise UsageProblem(
                f"{where} is a {type(value).__name__}, not a tensor; give a model whose forward returns tensors alone."
            )


def output_names(paths: Sequence[tuple[str, ...]], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """A name for each output: its keys where it has any, else ``output`` and its number where there are several.

    Names are identifiers, unlike each other and those of the inputs, `taken`.
    """
    names: list[str] = []
    for index, path in enumerate(paths):
        keys = [key for key in path if not key.isdigit()]
        plain = "output" if len(paths) == 1 else f"output_{index}"
        name = _identifier("_".join(path)) if keys else plain
        names.append(_free(name, {*taken, *names}))
    return tuple(names)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):  # transformers' outputs are these as well as dataclasses
        return [(str(key), item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        fields = getattr(value, "_fields", None) or [str(index) for index in range(len(value))]
        return list(zip(map(str, fields), value, strict=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return [("", value)]


def _holds_parts(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    )


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_") or "output"
    name = f"output_{name}" if name[0].isdigit() else name
    return f"{name}_output" if name.lower() in _RESERVED else name


def _free(name: str, taken: set[str]) -> str:
    """`name`, or with a number behind it; names that differ in capitals alone are one file to some systems."""
    lower = {item.lower() for item in taken}
    number, wanted = 1, name
    while name.lower() in lower:
        number += 1
        name = f"{wanted}_{number}"
    return name
