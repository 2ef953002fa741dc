"""Models saved whole: torch.export's .pt2 and TorchScript's .pt."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.data.hints import PT2_ENTRY, CompressionHints, parse_hints
from exporter.data.model import InputSettings
from exporter.execution.heavy import load_torch


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
    if len(inputs) == 1 and len(inputs[0].shape) == 4:
        inputs[0] = inputs[0].model_copy(update={"name": "image"})
    return program.module(), tuple(inputs), parse_hints(extra[PT2_ENTRY], str(path))


def load_torchscript(path: Path, *, trust_pickle: bool) -> Any:
    """A TorchScript module, or with `trust_pickle` a pickled one.

    Raises:
        UsageProblem: a pickle without trust, or not a model at all.
    """
    torch = load_torch()
    try:
        return torch.jit.load(path, map_location="cpu").eval()
    except RuntimeError as script_error:
        if not trust_pickle:
            raise UsageProblem(_not_torchscript(path)) from script_error
    try:
        module = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, pickle.UnpicklingError, AttributeError, ImportError, EOFError) as error:
        raise UsageProblem(f"model {path} cannot be unpickled: {first_line(error)}") from error
    if not isinstance(module, torch.nn.Module):
        raise UsageProblem(f"model {path} holds a {type(module).__name__}, not a module.")
    return module.eval()


def _not_torchscript(path: Path) -> str:
    kind = "not a TorchScript file"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("data.pkl") for name in archive.namelist()):
                kind = "a pickle, not TorchScript"
    return (
        f"model {path} is {kind}. A state dict goes with its architecture: torchvision:NAME --weights {path.name}, "
        "or a factory. A pickled module can run any code when loaded; if you trust its author, add --trust-pickle."
    )
