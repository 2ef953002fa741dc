"""Per-operator profiles that benchmark_model prints: text tables of every layout, and CSV."""

import math
import re

from device_harness.errors import UnreadableOutputError
from profilers.readings import OpTime

_NUMBERS = re.compile(
    r"^\s*(?P<type>\S.*?)\s+(?:(?P<start>-?[0-9.]+)\s+)?(?P<first>-?[0-9.]+)\s+(?P<mean>-?[0-9.]+)\s+(?P<share>[0-9.]+)%\s+"
    r"(?P<cdf>[0-9.]+)%\s+(?P<memory>-?[0-9.]+)\s+(?P<calls>[0-9]+)\s+(?P<name>\S.*)$"
)
_SECTION = re.compile(r"^=+ (.*?) =+$")


def parse_op_table(text: str) -> tuple[OpTime, ...]:
    """Operators of the regular runs, in the order in which they ran, or by time when only that table is there.

    Columns are separated by tabs, which some logs turn into blanks; node types hold blanks, so rows are read from the
    numbers outward. Old layouts have a [start] column, new ones do not; the header tells.

    Raises:
        UnreadableOutputError: no table of operators, or a damaged row.
    """
    lines = [re.sub(r"^(?:INFO|VERBOSE): ", "", line) for line in text.splitlines()]
    begin = next((at for at, line in enumerate(lines) if line.startswith("Operator-wise Profiling Info")), None)
    if begin is None:
        raise UnreadableOutputError("no per-operator profile in this output: run with --enable_op_profiling=true")
    tables: dict[str, list[OpTime]] = {}
    for at in range(begin, len(lines)):
        title = _SECTION.match(lines[at].strip())
        if title and title[1] in ("Run Order", "Top by Computation Time"):
            tables.setdefault(title[1], _rows(lines, at + 1))
    for title_wanted in ("Run Order", "Top by Computation Time"):
        if tables.get(title_wanted):
            return tuple(tables[title_wanted])
    raise UnreadableOutputError("the per-operator profile has no rows: the output is cut off")


def _rows(lines: list[str], header_at: int) -> list[OpTime]:
    header = lines[header_at] if header_at < len(lines) else ""
    has_start = "[start]" in header
    rows = []
    for line in lines[header_at + 1 :]:
        if not line.strip() or line.startswith(("=", "Number of nodes")):
            break
        match = _NUMBERS.match(line.replace("\t", " "))
        if match is None or (match["start"] is None) == has_start:
            raise UnreadableOutputError(f"a damaged row of operators: {line.strip()[:120]}")
        row = {
            "node type": match["type"],
            "first": match["first"],
            "avg_ms": match["mean"],
            "%": match["share"],
            "times called": match["calls"],
            "name": match["name"],
        }
        rows.append(_op(row, line))
    return rows


def _op(row: dict[str, str], line: str) -> OpTime:
    try:
        return OpTime(
            type=row["node type"],
            name=row["name"].replace("\t", ","),
            mean_s=_finite(row["avg_ms"]) / 1e3,
            first_s=_finite(row["first"]) / 1e3,
            share=_finite(row["%"].rstrip("%")) / 100,
            calls=int(_finite(row["times called"])),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableOutputError(f"a damaged row of operators: {line.strip()[:120]}") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number
