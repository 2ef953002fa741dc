"""Matrix products and attention. Semantics: coremltools ``iOS15/linear.py``, ``iOS18/transformers.py``."""

import torch
import torch.nn.functional as F  # noqa: N812

from exporter.formats.coreml.reference.family import Family, Tensor

FAMILY = Family("linear")


@FAMILY.op("linear", fresh=True)
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias``; weights may be integers."""
    return F.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))


@FAMILY.op("matmul", fresh=True)
def matmul(x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """Batched matrix product with numpy's broadcasting; a transposition of a vector is none."""
    if transpose_x and x.dim() > 1:
        x = x.mT
    if transpose_y and y.dim() > 1:
        y = y.mT
    if x.dtype != y.dtype:
        x, y = x.float(), y.float()
    if not x.is_floating_point():
        return torch.matmul(x.to(torch.float64), y.to(torch.float64)).to(x.dtype)
    return torch.matmul(x, y)


@FAMILY.op("einsum")
def einsum(values: list[Tensor], equation: str) -> Tensor:
    """``torch.einsum``; where both operands carry a label, a length of one is broadcast."""
    first, second = equation.replace(" ", "").split("->")[0].split(",")
    a, b = values
    lengths: dict[str, int] = {}
    for label, length in [*zip(first, a.shape, strict=True), *zip(second, b.shape, strict=True)]:
        lengths[label] = max(lengths.get(label, 1), length)
    a, b = a.expand([lengths[label] for label in first]), b.expand([lengths[label] for label in second])
    return torch.einsum(equation, a, b)


@FAMILY.op("scaled_dot_product_attention")
def attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None) -> Tensor:
    """``softmax(Q @ K^T / sqrt(E) + mask) @ V``; a false element of a bool mask takes no part."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask)
