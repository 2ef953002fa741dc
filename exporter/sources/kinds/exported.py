"""torch.export's .pt2 files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.hints import PT2_ENTRY, CompressionHints, parse_hints
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.execution.heavy import load_torch
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.store.given import given_digest


class Exported:
    """A program that `torch.export` saved."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Load the file."""
        module, inputs, hints = load_exported(Path(spec))
        # Its state dict has the constants of the program too.
        found = Found(
            module, inputs=inputs, hints=hints, identity=given_digest(Path(spec)), saved=tuple(module.parameters())
        )
        return from_module(SourceKind.EXPORTED, spec, settings, found)

    def files(self, spec: str) -> Sequence[Path]:
        """The file."""
        return [Path(spec)]


SOURCE: Source = Exported()


def load_exported(path: Path) -> tuple[Any, tuple[InputSettings, ...], CompressionHints]:
    """The module of a .pt2 file, the inputs that it was exported with, and what compression left for converters.

    Raises:
        UsageProblem: not a .pt2, damaged, of a newer torch, or with inputs of another type.
    """
    torch = load_torch()
    try:
        extra = {PT2_ENTRY: ""}
        program = torch.export.load(path, extra_files=extra)
    except Exception as error:
        raise UsageProblem(
            f"model {path} cannot be loaded by torch {torch.__version__}: {first_line(error)}\n"
            "If a newer torch saved it, save it again with this version; if the file is damaged, copy it again."
        ) from error
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs = []
    for name in program.graph_signature.user_inputs:
        value = placeholders[name].meta["val"]
        shape = tuple(int(size) if isinstance(size, int) else 1 for size in value.shape)
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in ("float32", "int32", "int64"):
            raise UsageProblem(
                f"model {path}: input {name} takes {dtype}; float32, int32 and int64 can be converted. "
                "Export the model with one of these as its input, and a cast inside."
            )
        inputs.append(InputSettings.model_validate({"name": name, "shape": shape, "dtype": dtype}))
    if len(inputs) == 1 and len(inputs[0].example) == 4:
        inputs[0] = inputs[0].model_copy(update={"name": "image"})
    return program.module(), tuple(inputs), parse_hints(extra[PT2_ENTRY], str(path))
