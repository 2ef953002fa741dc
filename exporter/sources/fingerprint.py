"""Fingerprint: a digest of Python values by what they hold, the same in every process that builds them anew.

No address, no order of sets or dictionaries and no name that torch mangles takes part.
"""

import enum
import functools
import hashlib
import importlib.metadata
import re
import sys
import sysconfig
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from exporter.execution.heavy import load_torch
from exporter.sources.factories import SOURCE_PREFIX

DEEPEST = 150
"""Levels of values inside values that are looked at; chains of objects can be longer than the interpreter's stack."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_OF_THE_CLASS = ("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__firstlineno__")


_OF_A_FILE = re.compile(rf"{SOURCE_PREFIX}\w+\.?")


class Fingerprint:
    """Collects values; `hexdigest` is SHA-256 over all of them.

    Tensors, arrays and numbers count by value, containers, modules and other objects by what they hold, functions by
    their code, what they close over and the globals that they name; code of installed libraries by its version.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        # Holding what was met keeps its address from being given to something else.
        self._met: dict[int, tuple[int, Any]] = {}
        self._depth = 0

    def hexdigest(self) -> str:
        """Of everything added so far."""
        return self._hash.hexdigest()

    def add(self, value: Any) -> None:
        """Take `value` and all that it holds into the digest."""
        if isinstance(value, _PLAIN):
            text = value.hex() if isinstance(value, float) else repr(value)
            self._mark(type(value).__name__, text)
            return
        if id(value) in self._met:
            self._mark("again", str(self._met[id(value)][0]))
            return
        self._met[id(value)] = len(self._met), value
        if self._depth == DEEPEST:
            self._mark("deep", type(value).__qualname__)
            return
        self._depth += 1
        try:
            self._add_new(value)
        except Exception as error:  # noqa: BLE001 - objects of others may refuse to be looked into
            self._mark("closed", f"{type(value).__qualname__} {type(error).__name__}")
        finally:
            self._depth -= 1

    def _add_new(self, value: Any) -> None:
        torch = load_torch()
        if isinstance(value, torch.Tensor):
            self._add_tensor(value)
        elif isinstance(value, np.ndarray | np.generic):
            self._mark("array", f"{value.dtype} {value.shape}")
            self.add(value.tolist() if value.dtype.hasobject else value.tobytes())
        elif isinstance(value, dict):
            self._add_dict(value)
        elif isinstance(value, list | tuple):
            self._mark(type(value).__name__, str(len(value)))
            for item in value:
                self.add(item)
        elif isinstance(value, set | frozenset):
            self._mark("set", " ".join(sorted(fingerprint(item) for item in value)))
        elif isinstance(value, FunctionType | MethodType | functools.partial | type | BuiltinFunctionType):
            self._add_callable(value)
        elif isinstance(value, property | staticmethod | classmethod):
            self.add((value.fget, value.fset) if isinstance(value, property) else value.__func__)
        elif isinstance(value, enum.Enum | torch.dtype | torch.device | PurePath | ModuleType):
            self._mark(type(value).__name__, value.__name__ if isinstance(value, ModuleType) else str(value))
        else:
            self._add_object(value)

    def _add_tensor(self, tensor: Any) -> None:
        torch = load_torch()
        self._mark("tensor", f"{tensor.dtype} {tuple(tensor.shape)}")
        if tensor.device.type == "meta":
            return
        if tensor.is_quantized:
            self._mark("scale", repr([tensor.qscheme()]))
            tensor = tensor.dequantize()
        if tensor.layout is not torch.strided:
            tensor = tensor.to_dense()
        if hasattr(tensor, "__tensor_flatten__") and type(tensor) is not torch.Tensor:  # made of other tensors
            names, context = tensor.__tensor_flatten__()
            self.add([*((name, getattr(tensor, name)) for name in names), repr(context)])
            return
        plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        self._hash.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")

    def _add_dict(self, value: dict[Any, Any]) -> None:
        self._mark("dict", str(len(value)))
        # Keys without an order of their own keep that of insertion.
        items = list(value.items())
        for key, item in sorted(items, key=lambda pair: repr(pair[0]) if isinstance(pair[0], _PLAIN) else ""):
            self.add(key)
            self.add(item)

    def _add_object(self, value: Any) -> None:
        self.add(type(value))
        held = dict(getattr(value, "__dict__", {}))
        for kind in type(value).__mro__:
            slots = vars(kind).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if not name.startswith("__") and hasattr(value, name):
                    held[name] = getattr(value, name)
        self._add_dict(held)

    def _add_callable(self, value: Any) -> None:
        if isinstance(value, functools.partial):
            self.add((value.func, value.args, value.keywords))
        elif isinstance(value, MethodType):
            self.add((value.__func__, value.__self__))
        elif _library(value.__module__) or isinstance(value, BuiltinFunctionType):
            self._mark("library", f"{value.__module__} {value.__qualname__} {_version(value.__module__)}")
        elif isinstance(value, type):
            self._mark("class", value.__qualname__)
            self.add(value.__bases__)
            self._add_dict({name: item for name, item in vars(value).items() if name not in _OF_THE_CLASS})
        else:
            self._mark("function", value.__qualname__)
            self.add((value.__defaults__, value.__kwdefaults__))
            self._add_code(value.__code__, value.__globals__)
            self.add([_content(cell) for cell in value.__closure__ or ()])

    def _add_code(self, code: CodeType, names: dict[str, Any]) -> None:
        self._mark("code", f"{code.co_varnames} {code.co_names}")
        self.add(code.co_code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._add_code(constant, names)
            else:
                self.add(constant)
        for name in code.co_names:
            if name in names:
                self.add(names[name])

    def _mark(self, kind: str, text: str) -> None:
        if SOURCE_PREFIX in text:  # the name of a module that was made of a file's place
            text = _OF_A_FILE.sub("", text)
        self._hash.update(f"{kind}\0{text}\1".encode("utf-8", "surrogatepass"))


def fingerprint(value: Any) -> str:
    """The digest of one value."""
    found = Fingerprint()
    found.add(value)
    return found.hexdigest()


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


@functools.cache
def _library(module: str | None) -> bool:
    """Whether a module is installed or the interpreter's, so that its version stands for its code."""
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    if file is None:
        return module != "__main__"
    path = Path(file)
    if path.is_relative_to(sysconfig.get_path("stdlib")):
        return True
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts) or any(map(_installed_into, path.parents))


@functools.cache
def _installed_into(folder: Path) -> bool:
    """Whether packages were installed into a folder of another name, as by ``pip install --target``."""
    return any(folder.glob("*.dist-info"))


@functools.cache
def _version(module: str | None) -> str:
    try:
        return importlib.metadata.version((module or "").partition(".")[0])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
