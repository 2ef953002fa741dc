"""coremltools, imported late and quietly."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from exporter.execution.heavy import load, quiet


def load_coremltools() -> Any:
    """Import coremltools without its warnings and without the frameworks that only its other converters use.

    coremltools imports TensorFlow, scikit-learn, torchvision and transformers when they are installed, 5 s of 6, and
    its own compression of torch modules, which is there for whoever imports it: a third of the rest.
    """
    if "coremltools" in sys.modules:
        return sys.modules["coremltools"]
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    with quiet(), _hidden("tensorflow", "tensorflow.python", "sklearn", "torchvision", "transformers"), _put_off():
        return load("coremltools")


@contextlib.contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make `import NAME` fail for modules that are not loaded yet."""
    absent: dict[str, ModuleType | None] = {name: None for name in names if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)


@contextlib.contextmanager
def _put_off() -> Iterator[None]:
    """An empty module in place of the one with coremltools' compression of torch modules."""
    name = "coremltools.optimize.torch"
    sys.modules[name] = ModuleType(name)
    try:
        yield
    finally:
        del sys.modules[name]
