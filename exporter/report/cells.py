"""Tables as aligned text or as Markdown; nothing in a cell can break out of its line."""

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@])")
_LINE_ENDS = re.compile(r"[\r\n\v\f\x85\u2028\u2029]+")


def one_line(text: str) -> str:
    """`text` with control characters written out, so that no name can forge a line or move the cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable(text: str) -> str:
    """`text` with its line ends, and other control characters written out."""
    return "\n".join(map(one_line, text.split("\n")))


def markdown_cell(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown or HTML would take for markup."""
    return _SPECIAL.sub(r"\\\1", one_line(_LINE_ENDS.sub(" ", text).replace("\t", " ")))


def shortened(text: str, length: int) -> str:
    """`text`, or its beginning and its end when it is longer than `length`."""
    kept = length - 1
    return text if len(text) <= length else f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"


LEAST_NAME = 12
"""Letters of a name that are left where there is little room."""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> list[str]:
    """Lines of a table whose first column is text, shortened to what `columns` leave, and whose others are figures."""
    cells = [list(header), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    room = max(LEAST_NAME, columns - sum(widths[1:]) - 2 * len(widths[1:]))
    widths[0] = min(widths[0], room)
    names = [shortened(row[0], room).ljust(widths[0]) for row in cells]
    return [
        "  ".join([name, *map(str.rjust, row[1:], widths[1:])]).rstrip() for name, row in zip(names, cells, strict=True)
    ]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The same in GitHub-flavoured Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return lines + [f"| {' | '.join(map(markdown_cell, row))} |" for row in rows]
