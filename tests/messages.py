"""The texts in the program's source: what messages are made of, with `…` for what is put in."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def texts() -> str:
    """Every text of the program, one a line."""
    files = [path for package in ("exporter", "profilers", "device_harness") for path in (ROOT / package).rglob("*.py")]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(" ".join(text.split()) for node in nodes if (text := _text(node)))


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in values)
        case _:
            return ""
