"""Types of settings that people write with their unit; fields hold SI numbers."""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from exporter.data.errors import UsageProblem
from exporter.data.units import parse_energy, parse_percent, parse_size, parse_time


def _read(parse: Callable[[str], Any], advice: str, *numbers: type) -> BeforeValidator:
    """Reads text with `parse`, and takes `numbers` as they are; `advice` answers everything else."""

    def read(value: Any) -> Any:
        if isinstance(value, numbers) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            raise ValueError(advice.format(value))
        try:
            return parse(value)
        except UsageProblem as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(read)


_WITH_UNIT = "write a quantity with its unit, in quotes"
_SIZE = "write a size with its unit, in quotes: '4 MB' (10^6 bytes) or '4 MiB' (2^20 bytes)"
_PERCENT = "{!r} could be a ratio or a percent: write it as text with its sign, '1 %'"


def _schema(description: str) -> WithJsonSchema:
    pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$"
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description})


_SIZE_SCHEMA = _schema("a size such as '4 MB' (10^6 bytes) or '4 MiB' (2^20 bytes)")

Size = Annotated[int, _read(parse_size, _WITH_UNIT, int), _SIZE_SCHEMA]
Duration = Annotated[float, _read(parse_time, _WITH_UNIT, float), _schema("such as '10 ms'")]
Energy = Annotated[float, _read(parse_energy, _WITH_UNIT, float), _schema("such as '3 mJ'")]

SizeText = Annotated[int, _read(parse_size, _SIZE), _SIZE_SCHEMA]
"""Bytes; a bare number is refused, as nobody can see what it counts."""

Percent = Annotated[
    Fraction,
    _read(parse_percent, _PERCENT, Fraction),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$", "description": "such as '1 %'"}),
]
"""An exact share of 1; a bare number is refused, as it may be meant as a ratio."""
