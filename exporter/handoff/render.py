"""Templates to files: package data beside this module, and beside each format's own."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    """Code and Markdown are no HTML; what a user can name is escaped by the filter of where it stands."""
    made = Environment(  # noqa: S701
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"quoted": quoted, "plain": plain, "float": float_text}
    return made


def rendered(name: str, facts: Mapping[str, Any]) -> str:
    """A template of this folder, such as ``kotlin/Preprocessing.kt.jinja``."""
    return _environment().get_template(name).render(facts)


def rendered_file(path: Path, facts: Mapping[str, Any]) -> str:
    """A template of a format's own."""
    return _environment().from_string(path.read_text(encoding="utf-8")).render(facts)


def quoted(text: str) -> str:
    """A literal of Kotlin and Swift that stands for `text`, whatever it holds."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\$':
        return f"\\{character}"
    return character if character.isprintable() else " "


def plain(text: object) -> str:
    """One line of Markdown that stands for `text` itself."""
    line = " ".join(str(text).split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in line)


def float_text(value: float) -> str:
    """The shortest decimal that is this number in 32 bits, which Kotlin, Swift and numpy read alike."""
    import numpy as np

    return np.format_float_scientific(np.float32(value), trim="0", unique=True)
