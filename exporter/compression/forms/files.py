"""A compressed model as a .pt2 file, which carries its hints to the converters."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from exporter.compression.model import CompressedModel
from exporter.data.errors import ToolError, first_line
from exporter.data.facts.hints import PT2_ENTRY
from exporter.data.facts.source import InputSpec
from exporter.sources.tracing.open_axes import dynamic_shapes
from exporter.store.output import naming


def save_compressed(compressed: CompressedModel, path: Path, inputs: Sequence[InputSpec]) -> None:
    """Write `compressed`, whole or not at all.

    Args:
        inputs: of the source; dimensions that are open stay so.

    Raises:
        UsageProblem: `path` is no place to write to.
        ToolError: torch.export cannot export the model, or the disk is full.
    """
    try:
        with torch.no_grad():
            shapes = dynamic_shapes(compressed.module, inputs)
            program = torch.export.export(
                compressed.module, compressed.example_inputs, dynamic_shapes=shapes, strict=False
            )
    except (RuntimeError, ValueError, TypeError, torch._dynamo.exc.TorchDynamoException) as error:
        raise ToolError(f"torch.export cannot export the compressed model: {first_line(error)}") from error
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.pt2")
    with naming(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.export.save(program, temporary, extra_files={PT2_ENTRY: compressed.hints.model_dump_json()})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
