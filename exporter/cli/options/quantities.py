"""Types of options that people write with their unit."""

from collections.abc import Callable
from typing import Any

import click

from exporter.data.errors import UsageProblem
from exporter.data.units import parse_size, parse_span, parse_time


class _Quantity(click.ParamType[float]):
    def __init__(self, name: str, parse: Callable[[str], float]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number in its SI unit."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageProblem as error:
            self.fail(str(error), param, ctx)


SIZE = _Quantity("size", parse_size)
DURATION = _Quantity("time", parse_time)
SPAN = _Quantity("time", parse_span)
