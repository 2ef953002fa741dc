"""Every operation of ML programs: how it is evaluated, or why it is not."""

from exporter.formats.coreml.reference.family import Family, Implementation
from exporter.formats.coreml.reference.ops import (
    activations,
    constexpr,
    control,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    random,
    recurrent,
    reductions,
    resizing,
    sampling,
    scatter_gather,
    shapes,
    tensors,
)

FAMILIES: tuple[Family, ...] = tuple(
    module.FAMILY
    for module in (
        activations,
        constexpr,
        control,
        convolution,
        elementwise,
        linear,
        normalization,
        pooling,
        random,
        recurrent,
        reductions,
        resizing,
        sampling,
        scatter_gather,
        shapes,
        tensors,
    )
)
OPERATIONS: dict[str, Implementation] = {
    name: operation for family in FAMILIES for name, operation in family.operations.items()
}
# Evaluated by `plan` itself, since they hold constants or nested blocks.
STRUCTURAL = frozenset({"const", "cond", "while_loop"})
REFUSED: dict[str, str] = {
    "conv_quantized": "an experimental operation of the older neural network format; no ML program stores its weights "
    "this way; convert again with coremltools.optimize.coreml, which writes constexpr_* operations",
    "_const_symbolic": "a placeholder of the converter for sizes that are not known yet; it is never written to a file",
}
