"""JSON documents of tools whose layout changes between versions: read what is there, invent nothing."""

import json
from collections.abc import Iterator
from typing import Any

from device_harness.errors import UnreadableOutputError
from device_harness.words import printable_values

Document = dict[str, Any]


def read_document(content: bytes | str, tool: str) -> Document:
    """The JSON object in `content`.

    Raises:
        UnreadableOutputError: empty, cut off, not UTF-8, not JSON, or not an object.
    """
    value = read_json(content, tool)
    if not isinstance(value, dict):
        raise UnreadableOutputError(f"{tool} wrote a JSON {type(value).__name__} where an object was expected.")
    return value


def read_json(content: bytes | str, tool: str) -> Any:
    """The JSON value in `content`; NaN and Infinity are refused because no tool means them.

    Raises:
        UnreadableOutputError: empty, cut off, not UTF-8, or not JSON.
    """
    if not content.strip():
        raise UnreadableOutputError(
            f"{tool} wrote nothing: it was stopped before it finished, or failed. Run it again by hand."
        )
    try:
        return printable_values(json.loads(_without_nul(content), parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        raise UnreadableOutputError(
            f"{tool} wrote something that is not JSON ({error}). It may have been cut off."
        ) from error


def _without_nul(content: bytes | str) -> bytes | str:
    return content.replace(b"\0", b"") if isinstance(content, bytes) else content.replace("\0", "")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def section(document: Document, *names: str) -> Document:
    """The first of `names` that is an object in `document`; an empty one when none is."""
    for name in names:
        value = document.get(name)
        if isinstance(value, dict):
            return value
    return {}


def text(document: Document, *names: str) -> str | None:
    """The first of `names` that is a non-empty string in `document`."""
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def integer(document: Document, name: str) -> int | None:
    """`name` when it is an integer in `document`."""
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def objects(document: Document, name: str) -> Iterator[Document]:
    """The objects in the list called `name`; anything else in it is passed over."""
    value = document.get(name)
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))
