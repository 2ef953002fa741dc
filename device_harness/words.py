"""Text of tools and devices as it may be parsed, shown on a terminal, and written into a report."""

import re
from typing import Any

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_CONTROLS = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """`text` without NUL bytes and terminal escapes; any other control character but tab and line ends is replaced."""
    return _CONTROLS.sub("\ufffd", _ESCAPES.sub("", text.replace("\0", "")))


def decode(content: bytes) -> str:
    """UTF-8 as `printable` text; bytes that are not UTF-8 are replaced."""
    return printable(content.decode("utf-8", "replace"))


def printable_values(value: Any) -> Any:
    """A JSON value with every string in it, keys too, as `printable` text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [printable_values(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): printable_values(item) for key, item in value.items()}
    return value
