"""Lists, states, classification. Control flow itself (cond, while_loop) is in `plan`: it runs nested blocks."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from exporter.formats.coreml.reference.family import Family, Ints, Tensor

FAMILY = Family("lists, states, classification")


@dataclass(frozen=True)
class TensorList:
    """A MIL list; unwritten elements are zero."""

    elements: tuple[Tensor | None, ...]
    dynamic: bool
    shape: tuple[int, ...] | None
    dtype: torch.dtype

    def read(self, index: int) -> Tensor:
        """One element."""
        if not 0 <= index < len(self.elements):
            raise IndexError(f"element {index} of a list of {len(self.elements)}")
        element = self.elements[index]
        return self._blank() if element is None else element

    def write(self, index: int, value: Tensor) -> "TensorList":
        """The list with one element replaced; a dynamic list grows."""
        elements = list(self.elements)
        if index >= len(elements) and self.dynamic:
            elements += [None] * (index + 1 - len(elements))
        if not 0 <= index < len(elements):
            raise IndexError(f"element {index} of a list of {len(elements)}")
        elements[index] = value
        return replace(self, elements=tuple(elements))

    def _blank(self) -> Tensor:
        written = next((element for element in self.elements if element is not None), None)
        if written is not None:
            return torch.zeros_like(written)
        if self.shape is None:
            raise ValueError("no element of the list was written, and its element shape is not known")
        return torch.zeros(self.shape, dtype=self.dtype)


@dataclass
class StateSlot:
    """The buffer that a state input stands for; `value` is replaced, never changed in place."""

    value: Tensor


@FAMILY.op("make_list", exact=True)
def make_list(
    init_length: int = 1, dynamic_length: bool = True, elem_shape: Any = None, dtype: str = "fp32"
) -> TensorList:
    """An empty list of `init_length` elements; an element shape with symbols is found at the first write."""
    from exporter.formats.coreml.reference.dtypes import by_mil_name

    parts = [] if elem_shape is None else list(elem_shape)
    known = all(isinstance(part, (int, torch.Tensor)) or str(part).lstrip("-").isdigit() for part in parts)
    shape = tuple(int(part) for part in parts) if elem_shape is not None and known else None
    return TensorList((None,) * init_length, dynamic_length, shape, by_mil_name(dtype).storage)


@FAMILY.op("list_length")
def list_length(ls: Any) -> Tensor:
    """Number of elements."""
    return torch.tensor(len(ls.elements), dtype=torch.int32)


@FAMILY.op("list_write", exact=True)
def list_write(ls: Any, index: int, value: Tensor) -> Any:
    """The list with one element replaced."""
    return ls.write(index, value)


@FAMILY.op("list_read", exact=True)
def list_read(ls: Any, index: int) -> Tensor:
    """One element."""
    return ls.read(index)  # type: ignore[no-any-return]


@FAMILY.op("list_gather", exact=True)
def list_gather(ls: Any, indices: Ints) -> Tensor:
    """Elements, stacked."""
    return torch.stack([ls.read(index) for index in indices])


@FAMILY.op("list_scatter", exact=True)
def list_scatter(ls: Any, indices: Ints, value: Tensor) -> Any:
    """The list with elements replaced by the rows of `value`."""
    for index, row in zip(indices, value, strict=True):
        ls = ls.write(index, row)
    return ls


@FAMILY.op("read_state", exact=True, pure=False)
def read_state(input: Any) -> Tensor:  # noqa: A002 - MIL's name
    """What the state holds now."""
    return input.value  # type: ignore[no-any-return]


@FAMILY.op("coreml_update_state", exact=True, pure=False)
def update_state(state: Any, value: Tensor) -> Tensor:
    """Puts `value` into the state; coremltools reads ``write_state`` from a file as this op."""
    state.value = value
    return value


@FAMILY.op("classify", exact=True)
def classify(probabilities: Tensor, classes: Any) -> tuple[Any, dict[Any, float]]:
    """The most probable label, and every label's probability."""
    values = probabilities.reshape(-1).tolist()
    labels = [label.item() if hasattr(label, "item") else label for label in classes]
    best = max(range(len(values)), key=values.__getitem__)
    return labels[best], dict(zip(labels, values, strict=True))
