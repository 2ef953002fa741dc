"""`package.module:factory` and `path/to/file.py:factory`."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from exporter.errors import UsageProblem
from exporter.heavy import load_torch, seeded


def import_attribute(spec: str) -> Any:
    """The object that ``module:name`` or ``file.py:name`` names; the current folder is importable.

    Raises:
        UsageProblem: no such module, file or name, or the module fails when imported.
    """
    place, _, name = spec.rpartition(":")
    try:
        module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    except UsageProblem:
        raise
    except Exception as error:
        raise UsageProblem(f"{place} fails when imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        names = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise UsageProblem(f"{place} has no {name!r}; it has {', '.join(names) or 'no callables'}.")
    return getattr(module, name)


def call_factory(spec: str) -> Any:
    """The module that the factory gives, in eval mode."""
    factory = import_attribute(spec)
    torch = load_torch()
    if isinstance(factory, torch.nn.Module):
        return factory.eval()
    try:
        with seeded():
            module = factory()
    except Exception as error:
        raise UsageProblem(f"model {spec}: the factory failed: {type(error).__name__}: {error}") from error
    if not isinstance(module, torch.nn.Module):
        raise UsageProblem(f"model {spec}: the factory gave a {type(module).__name__}, not a torch.nn.Module.")
    return module.eval()


def _import_module(name: str) -> Any:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageProblem(f"there is no module {error.name!r}; is it installed, or in this folder?") from error


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise UsageProblem(f"{path}: there is no such file.")
    name = f"_mobile_export_source_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module
