"""State dicts from files, without running code."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.data.errors import UsageProblem, first_line
from exporter.execution.heavy import load, load_torch


def read_state(path: Path) -> dict[str, Any]:
    """Tensors by name from a .safetensors, .pt or .pth file.

    Raises:
        UsageProblem: unreadable, damaged, a pickle that would run code, or not a state dict.
    """
    if not path.is_file():
        raise UsageProblem(f"weights {path}: there is no such file.")
    try:
        if path.suffix == ".safetensors":
            state = load("safetensors.torch").load_file(path)
        else:
            state = load_torch().load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UsageProblem(
            f"weights {path} is not a plain state dict: loading it would run code. "
            "Save the weights with torch.save(model.state_dict(), FILE) or as .safetensors."
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError, zipfile.BadZipFile, KeyError) as error:
        raise UsageProblem(f"weights {path} cannot be read: {first_line(error)}") from error
    except Exception as error:
        if type(error).__module__.startswith("safetensors"):
            raise UsageProblem(f"weights {path} cannot be read: {first_line(error)}") from error
        raise
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    torch = load_torch()
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UsageProblem(f"weights {path} holds no state dict (names with tensors).")
    return state


def load_state(module: Any, path: Path) -> None:
    """Load `path` into `module`; on any misfit name the keys and leave the module as it was.

    Raises:
        UsageProblem: missing or unexpected keys, or other shapes.
    """
    state = read_state(path)
    own = module.state_dict()
    if own.keys().isdisjoint(state) and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    problems = _misfits(own, state)
    if any(problems.values()):
        raise misfit(f"weights {path}", problems)
    module.load_state_dict(state, strict=False)


def misfit(where: str, problems: Mapping[str, list[str]], model: str = "the model") -> UsageProblem:
    """Weights that do not fit: what is wrong -> the keys that it is wrong with."""
    said = [f"  {what}: {_some(keys)}" for what, keys in problems.items() if keys]
    return UsageProblem(f"{where} do not fit {model}:\n" + "\n".join(said))


def _misfits(own: dict[str, Any], state: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong -> the keys that it is wrong with."""
    shapes = {key: (tuple(state[key].shape), tuple(own[key].shape)) for key in own.keys() & state.keys()}
    return {
        "missing": sorted(key for key in own.keys() - state.keys() if not key.endswith("num_batches_tracked")),
        "unexpected": sorted(state.keys() - own.keys()),
        "of another shape": [f"{key} {a} instead of {b}" for key, (a, b) in sorted(shapes.items()) if a != b],
    }


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(keys[:5]) + more
