"""Keeps libraries out of the search for garbage.

torch, coremltools and TensorFlow are two million objects, which stay: a search takes two thirds of a second, there are
dozens while they load, and onnx2tf has them all searched twice a conversion. That was a fifth of a command's time.
"""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = threading.Event()

_MANY = 100
"""Modules; what fewer bring is searched fast."""


def process_is_ours() -> None:
    """What is loaded from here on may be set aside for good: nobody else's objects live in this process.

    A notebook's process is not ours: what its user frees later must not stay because it was set aside.
    """
    _OURS.set()


@contextmanager
def loading() -> Iterator[None]:
    """No search inside; afterwards what was loaded is set aside where the process is ours."""
    loaded, searches = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) - loaded > _MANY and _OURS.is_set():
            gc.freeze()
        if searches:
            gc.enable()
