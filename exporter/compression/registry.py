"""The table of compression methods: name -> module, imported when a recipe, a schema or a test asks for it."""

import functools
import importlib
from typing import Any, Literal

from pydantic import create_model

from exporter.compression.method import Method
from exporter.data.settings.recipe import Step

METHODS = {
    "fine_tuning": "exporter.compression.methods.fine_tuning",
    "recovery": "exporter.compression.methods.recovery",
    "distillation": "exporter.compression.methods.distillation",
    "channel_pruning": "exporter.compression.methods.channel_pruning",
    "block_removal": "exporter.compression.methods.block_removal",
    "low_rank": "exporter.compression.methods.low_rank",
    "magnitude_pruning": "exporter.compression.methods.magnitude_pruning",
    "nm_pruning": "exporter.compression.methods.nm_pruning",
    "block_pruning": "exporter.compression.methods.block_pruning",
    "weight_clipping": "exporter.compression.methods.weight_clipping",
    "weight_sharing": "exporter.compression.methods.weight_sharing",
    "binarization": "exporter.compression.methods.binarization",
    "float16": "exporter.compression.methods.float16",
    "weight_quantization": "exporter.compression.methods.weight_quantization",
    "mixed_precision": "exporter.compression.methods.mixed_precision",
    "dynamic_quantization": "exporter.compression.methods.dynamic_quantization",
    "static_quantization": "exporter.compression.methods.static_quantization",
    "quantization_aware_training": "exporter.compression.methods.quantization_aware_training",
}


def method_named(name: str) -> Method[Any]:
    """The method that the table has under `name`."""
    method: Method[Any] = importlib.import_module(METHODS[name]).METHOD
    return method


@functools.cache
def step_type(name: str) -> type[Step]:
    """The method's step, bound to its name: `method` can be nothing else, in data and in the JSON Schema."""
    kind: type[Step] = method_named(name).step
    literal: Any = Literal[name]  # of a value that only this table knows, which no type checker follows
    return create_model(
        kind.__name__, __base__=kind, __module__=kind.__module__, __doc__=kind.__doc__, method=(literal, name)
    )
