"""What convolution and pooling share: padding by MIL's ``pad_type``."""

from collections.abc import Sequence


def pad_amounts(
    pad_type: str, pad: Sequence[int], sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """Padding before and after each spatial dimension.

    Args:
        pad_type: ``valid``, ``custom``, ``same`` (the odd element after) or ``same_lower`` (before).
        pad: for ``custom``: before and after of each dimension, flat.
        sizes: of the input's spatial dimensions.
        kernel: extents of the kernel, dilation included.
        strides: of each dimension.

    ``same`` pads so that the output has ``ceil(size / stride)`` elements, as coremltools infers it and TensorFlow
    does it.
    """
    kind = pad_type.lower()
    if kind == "valid":
        return [(0, 0)] * len(sizes)
    if kind == "custom":
        return [(pad[2 * i], pad[2 * i + 1]) for i in range(len(sizes))]
    if kind not in ("same", "same_lower"):
        raise ValueError(f"pad_type {pad_type!r} is not one of valid, custom, same, same_lower")
    amounts = []
    for size, extent, stride in zip(sizes, kernel, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        small, large = total // 2, total - total // 2
        amounts.append((large, small) if kind == "same_lower" else (small, large))
    return amounts


def flat(amounts: Sequence[tuple[int, int]]) -> list[int]:
    """The same amounts as `torch.nn.functional.pad` wants them: last dimension first."""
    return [amount for pair in reversed(amounts) for amount in pair]
