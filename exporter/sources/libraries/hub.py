"""The Hugging Face hub, from which timm, transformers and segmentation-models-pytorch take their weights.

Its client tries a host that cannot be reached for 24 seconds a file; here its cache alone is looked at then.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from exporter.data.errors import MissingExtraError, ToolError, first_line
from exporter.execution.heavy import load

Loaded = TypeVar("Loaded")

PATIENCE_S = 5.0
"""For the first connection to the hub, or to the proxy before it."""

OTHERWISE = "give the weights with --weights FILE, or --weights none for random weights"


def from_hub(spec: str, fetch: Callable[[], Loaded], otherwise: str = OTHERWISE) -> Loaded:
    """What `fetch` loads through the hub's client, which downloads what its cache lacks.

    Args:
        spec: the MODEL argument, for messages.
        otherwise: what to do instead, for messages.

    Raises:
        ToolError: it is not in the cache, and the hub cannot be reached or does not have it.
    """
    constants = load("huggingface_hub.constants", extra="models")
    with _quiet_client(constants) as reason:
        try:
            return fetch()
        except OSError as error:  # the client's errors are all of this type
            raise ToolError(
                _unavailable(spec, reason or first_line(error), constants.HF_HUB_CACHE, otherwise)
            ) from error


def _unavailable(spec: str, reason: str, cache: str, otherwise: str) -> str:
    return (
        f"the weights of {spec} are not in the cache {cache}, and could not be downloaded: {reason.rstrip('.')}. "
        f"Run this once with a network, copy the cache of a machine that has them, or {otherwise}."
    )


@contextlib.contextmanager
def _quiet_client(constants: Any) -> Iterator[str]:
    """The client without progress bars, and off line where the hub cannot be reached; gives why, or nothing."""
    logging = load("huggingface_hub.utils.logging", extra="models")
    before, level = constants.HF_HUB_OFFLINE, logging.get_verbosity()
    reason = "HF_HUB_OFFLINE is set" if before else _unreachable(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = bool(reason)
    logging.set_verbosity_error()
    try:
        yield reason
    finally:
        constants.HF_HUB_OFFLINE = before
        logging.set_verbosity(level)


def _unreachable(endpoint: str) -> str:
    """Why no connection can be made to `endpoint`; empty when one can."""
    url = urlsplit(os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or endpoint)
    host, port = url.hostname or "", url.port or (80 if url.scheme == "http" else 443)
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        return f"{host} cannot be reached ({error.strerror or error})"
    return ""


def revisions(pattern: str) -> Sequence[Path]:
    """Small files of the client's cache that say which revisions of repositories it has; light, and without a network.

    Args:
        pattern: of names of repositories, with ``*``: ``timm/resnet50.*``.
    """
    try:
        constants = load("huggingface_hub.constants", extra="models")
    except MissingExtraError:  # whoever loads the source says what to install
        return ()
    folders = Path(constants.HF_HUB_CACHE).glob(f"models--{pattern.replace('/', '--')}")
    return sorted(file for folder in folders for file in (folder / "refs").glob("*") if file.is_file())
