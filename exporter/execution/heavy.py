"""Imports heavy libraries: late, quietly, with their traps disarmed; those of one format are in its folder.

Nothing here runs at import time. Each function returns the module, or raises `MissingExtraError` with the install
command.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from exporter.data.errors import MissingExtraError
from exporter.execution.garbage import loading


def load(name: str, *, extra: str = "export") -> Any:
    """Import `name`; a missing distribution becomes an error with the exact install command."""
    try:
        with loading():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == name.partition(".")[0]:
            raise MissingExtraError(name.partition(".")[0], extra) from error
        raise


def need(name: str, *, extra: str = "export") -> None:
    """Refuse at once, before anything is imported, where `name` is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    if importlib.util.find_spec(name) is None:
        raise MissingExtraError(name, extra)


def load_torch() -> Any:
    """Import torch."""
    return load("torch")


@contextlib.contextmanager
def seeded() -> Iterator[None]:
    """Give torch a fixed seed inside, so that weights that nobody gave are the same whenever a model is made again."""
    torch = load_torch()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def load_torchvision() -> Any:
    """Import torchvision, also beside a torch that is another build than it.

    A CPU build of torch with PyPI's torchvision, whose compiled operators want CUDA libraries, is a common pair: the
    import fails there because two operators have no schema. Declaring the schemas lets everything but those two (nms,
    qnms) work.
    """
    torch = load_torch()
    if "torchvision" in sys.modules:
        return sys.modules["torchvision"]
    with _without_dynamo():
        return _torchvision(torch)


def _torchvision(torch: Any) -> Any:
    try:
        return load("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    for operator in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # one of the two may be declared by then
            torch.library.define(f"torchvision::{operator}", schema)
    return load("torchvision")


@contextlib.contextmanager
def _without_dynamo() -> Iterator[None]:
    """Keep TorchDynamo out of torchvision's import, nine tenths of its time, until the one function is called.

    torchvision.ops asks it whether a device can compile, on GPUs in deterministic mode and without its own operators.
    """
    name = "torch._dynamo.utils"
    if name in sys.modules:
        yield
        return
    later = types.ModuleType(name)
    later.is_compile_supported = lambda device: load(name).is_compile_supported(device)  # type: ignore[attr-defined]
    sys.modules[name] = later
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence both standard streams, also for C++ code, unless MOBILE_EXPORT_DEBUG is set."""
    if os.environ.get("MOBILE_EXPORT_DEBUG"):
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        with _streams_to(sink):
            yield
    finally:
        os.close(sink)


@contextlib.contextmanager
def heard() -> Iterator[Callable[[], str]]:
    """As `quiet`; what is given tells what was said on both streams, for libraries that say the reason there alone."""
    with tempfile.TemporaryFile() as said, _streams_to(said.fileno()):

        def so_far() -> str:
            said.seek(0)
            return said.read().decode(errors="replace")

        yield so_far


@contextlib.contextmanager
def _streams_to(sink: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in saved:
            os.close(descriptor)
