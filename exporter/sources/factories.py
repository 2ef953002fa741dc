"""Imports what ``package.module:name`` and ``path/to/file.py:name`` mean: models and data that code makes."""

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from exporter.data.errors import UsageProblem

SOURCE_PREFIX = "_mobile_export_source_"
_FOLDERS: set[Path] = set()
"""Folders of imported files, whose modules were made importable."""


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


def _import_module(name: str) -> Any:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageProblem(f"there is no module {error.name!r}; is it installed, or in this folder?") from error


def _import_file(path: Path) -> Any:
    """The module of a file, which finds the modules and packages beside it as it would when it is run.

    Where two files' folders have modules of one name, each file gets its own. What was imported stays importable, for
    pickles and for imports that a model does later, and shadows nothing that is installed.
    """
    if not path.is_file():
        raise UsageProblem(f"{path}: there is no such file.")
    place = path.resolve()
    name = f"{SOURCE_PREFIX}{place.stem}_{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
    specification = importlib.util.spec_from_file_location(name, place, loader=_AsWritten(name, str(place)))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with _modules_of(place.parent):
        specification.loader.exec_module(module)
    return module


class _AsWritten(SourceFileLoader):
    """Compiles a file as it is now: Python takes kept bytecode by size and whole seconds, so an edit can go unseen."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Find modules in `folder` first inside, and last from then on."""
    entry, already = str(folder), str(folder) in sys.path
    _forget_namesakes(folder)
    sys.path.insert(0, entry)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(entry)
        if not already:
            sys.path.append(entry)
        _FOLDERS.add(folder)


def _forget_namesakes(folder: Path) -> None:
    """Forget modules that an earlier file found beside it, where `folder` has its own of these names."""
    for name, module in list(sys.modules.items()):
        root = name.partition(".")[0]
        own = (folder / f"{root}.py").is_file() or (folder / root).is_dir()
        file = getattr(module, "__file__", None) if own and not name.startswith(SOURCE_PREFIX) else None
        if file and not Path(file).is_relative_to(folder) and _folder_of(name, Path(file)) in _FOLDERS:
            del sys.modules[name]


def _folder_of(name: str, file: Path) -> Path:
    """The folder on the module path that the module called `name` was found in."""
    levels = name.count(".") + (file.stem == "__init__")
    return file.parents[min(levels, len(file.parents) - 1)]
