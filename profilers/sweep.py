"""Settings that a model is measured under in turns: threads, sets of CPUs, accelerators."""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup

NAMES = ("threads", "cpus", "accelerator")
MOST_SETTINGS = 24
_CPUS = re.compile(r"\d{1,4}(-\d{1,4})?(\+\d{1,4}(-\d{1,4})?)*|[a-z]+(-\d)?")
_FORMS = {"threads": re.compile(r"[1-9]\d{0,2}"), "cpus": _CPUS, "accelerator": re.compile("cpu|gpu|npu")}
_EXAMPLES = {"threads": "threads=1,2,4", "cpus": "cpus=little,big,0-3,0+4", "accelerator": "accelerator=cpu,gpu"}


class Setting(NamedTuple):
    """What one of them changes in the plan, as it was written: name and value, ``("threads", "2")``."""

    changes: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """``threads=2 cpus=big``."""
        return " ".join(f"{name}={value}" for name, value in self.changes)

    def plan(self, plan: ProfilePlan, groups: Sequence[CoreGroup]) -> ProfilePlan:
        """`plan` under it.

        Args:
            plan: what is measured otherwise.
            groups: of the device.

        Raises:
            ValueError: the device has no such CPUs; the message names those that it has.
        """
        found = dict(self.changes)
        changes: dict[str, object] = {key: value for key, value in found.items() if key == "accelerator"}
        if "threads" in found:
            changes["threads"] = int(found["threads"])
        if "cpus" in found:
            changes["cpus"] = cpus_named(found["cpus"], groups)
        return ProfilePlan.model_validate({**plan.model_dump(), **changes})


def settings_of(texts: Sequence[str]) -> tuple[Setting, ...]:
    """Every combination of what is swept.

    Args:
        texts: such as ``threads=1,2,4``; one a name.

    Raises:
        ValueError: a name or a value that is none, one twice, or too many combinations.
    """
    ways: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if name not in NAMES or not equals:
            raise ValueError(f"{text!r} is none of {', '.join(_EXAMPLES.values())}")
        if name in ways:
            raise ValueError(f"{name} is given twice: write {name}=A,B in one")
        ways[name] = _values(name, values)
    found = tuple(Setting(tuple(zip(ways, each, strict=True))) for each in itertools.product(*ways.values()))
    if not 2 <= len(found) <= MOST_SETTINGS:
        raise ValueError(f"it gives {len(found)} settings; a sweep has 2 to {MOST_SETTINGS}")
    return found


def _values(name: str, text: str) -> list[str]:
    found = text.split(",")
    wrong = [value for value in found if not _FORMS[name].fullmatch(value)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is nothing that {name} can be, such as in {_EXAMPLES[name]}")
    if len(set(found)) < len(found):
        raise ValueError(f"{name}={text} has a value twice")
    return found


def cpus_named(text: str, groups: Sequence[CoreGroup]) -> tuple[int, ...]:
    """The CPUs that ``big``, ``all``, ``4-7`` or ``0-1+4`` mean on a device.

    Raises:
        ValueError: it has none of that name or number.
    """
    there = {cpu for group in groups for cpu in group.cpus}
    if text[0].isdigit():
        ends = [part.partition("-") for part in text.split("+")]
        found = {cpu for low, _, high in ends for cpu in range(int(low), int(high or low) + 1)}
    else:
        named = {group.name: set(group.cpus) for group in groups}
        found = {**named, "all": there}.get(text, set())
    if not found or (there and not found <= there):
        has = ", ".join(f"{group.name} ({','.join(map(str, group.cpus))})" for group in groups)
        raise ValueError(f"cpus={text}: the device has {has or 'not told its CPUs'}")
    return tuple(sorted(found))
