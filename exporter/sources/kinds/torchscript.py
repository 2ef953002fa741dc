"""TorchScript's .pt files, and pickled modules of those whom the user trusts."""

import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load_torch
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.store.given import given_digest


class TorchScript:
    """A file that TorchScript saved, or with trust a pickle."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Load the file."""
        module = load_torchscript(Path(spec), trust_pickle=settings.trust_pickle)
        pickled = not isinstance(module, load_torch().jit.ScriptModule)
        found = Found(module, identity=given_digest(Path(spec)), is_code=pickled)
        return from_module(SourceKind.TORCHSCRIPT, spec, settings, found)

    def files(self, spec: str) -> Sequence[Path]:
        """The file."""
        return [Path(spec)]


SOURCE: Source = TorchScript()


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
