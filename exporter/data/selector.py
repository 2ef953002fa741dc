"""Selector: which devices are meant, by what is known of them: ``soc=tensor-g3,android>=14,label=desk``.

Conditions are joined by commas, and a device must meet all of them. One of the devices that do is meant; with ``all``
among the conditions, every one of them. What is not known of a device meets no condition, ``!=`` included.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import zip_longest

from device_harness.facts import DeviceInfo
from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.spelling import did_you_mean

EVERY = "all"
SYSTEMS = ("android", "ios", "tvos", "macos", "linux")
"""Systems whose version is compared: ``android>=14``."""
EXAMPLE = "soc=tensor-g3,android>=14"

_TEXTS: dict[str, Callable[[DeviceInfo], Iterable[str | None]]] = {
    "serial": lambda info: info.names,
    "model": lambda info: (info.model,),
    "soc": lambda info: (info.soc,),
    "os": lambda info: (info.os,),
    "kind": lambda info: (info.kind,),
    "architecture": lambda info: (info.architecture,),
    "connection": lambda info: (info.connection,),
}
_OF_A_LAB = ("label", "host")
KEYS = (*_TEXTS, *_OF_A_LAB, *SYSTEMS)
_ORDERS: dict[str, Callable[[list[int], list[int]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([^=<>!]*?)\s*(>=|<=|!=|=|>|<)\s*(.*?)\s*", re.DOTALL)


class Condition(Frozen):
    """One of a selector.

    Attributes:
        key: one of `KEYS`.
        order: ``=``, ``!=``, and for versions ``>=``, ``<=``, ``>`` and ``<``.
        value: as it was written.
    """

    key: str
    order: str
    value: str

    def meets(self, info: DeviceInfo, labels: Sequence[str] = (), host: str | None = None) -> bool:
        """Whether the device does."""
        if self.key in SYSTEMS:
            return self._version_meets(info)
        words = [plain(word) for word in self._known(info, labels, host) if word]
        found = any(fnmatchcase(word, plain(self.value, keep="*")) for word in words)
        return found if self.order == "=" else bool(words or self.key == "label") and not found

    def _known(self, info: DeviceInfo, labels: Sequence[str], host: str | None) -> Iterable[str | None]:
        if self.key in _TEXTS:
            return _TEXTS[self.key](info)
        return labels if self.key == "label" else (host,)

    def _version_meets(self, info: DeviceInfo) -> bool:
        name, _, version = (info.os or "").lower().partition(" ")
        there, asked = version_of(version), version_of(self.value)
        if name != self.key or there is None or asked is None:
            return False
        pairs = list(zip_longest(there, asked, fillvalue=0))
        return _ORDERS[self.order]([one for one, _ in pairs], [other for _, other in pairs])


class Selector(Frozen):
    """Devices by what is known of them.

    Attributes:
        conditions: all of which a device must meet.
        every: whether all such devices are meant; else one of them.
    """

    conditions: tuple[Condition, ...]
    every: bool = False

    def meets(self, info: DeviceInfo, labels: Sequence[str] = (), host: str | None = None) -> bool:
        """Whether the device is one of those."""
        return all(condition.meets(info, labels, host) for condition in self.conditions)

    @property
    def of_a_lab(self) -> tuple[str, ...]:
        """The keys that only a lab knows of."""
        return tuple(one.key for one in self.conditions if one.key in _OF_A_LAB)

    def __str__(self) -> str:
        words = [f"{one.key}{one.order}{one.value}" for one in self.conditions]
        return ",".join([*([EVERY] if self.every else []), *words])


def is_selector(text: str) -> bool:
    """Whether a `--device` is conditions, and no serial or name."""
    return any(sign in text for sign in "=<>")


def read_selector(text: str) -> Selector:
    """The selector that `text` writes down.

    Raises:
        UsageProblem: it is none; with the condition that is wrong.
    """
    parts = [part.strip() for part in text.split(",")]
    return Selector(
        conditions=tuple(_condition(part, text) for part in parts if part != EVERY),
        every=EVERY in parts,
    )


def plain(text: str, keep: str = "") -> str:
    """As names are compared: ``Tensor G3`` and ``tensor-g3`` are one."""
    return re.sub(rf"(?:[^\w{re.escape(keep)}]|_)+", "-", text.casefold()).strip("-")


def version_of(text: str) -> tuple[int, ...] | None:
    """The numbers at the front of a version, such as 17 and 4 of ``17.4 (21E213)``; None where there are none."""
    found = re.match(r"\s*(\d{1,9}(?:\.\d{1,9})*)", text)
    return tuple(map(int, found[1].split("."))) if found else None


def _condition(part: str, whole: str) -> Condition:
    found = _CONDITION.fullmatch(part)
    if found is None:
        raise UsageProblem(
            f"--device {whole!r}: {part!r} is no condition. Write KEY=VALUE, joined by commas: {EXAMPLE}."
        )
    key, order, value = found[1].lower(), found[2], found[3]
    problem = _problem(key, order, value)
    if problem is not None:
        raise UsageProblem(f"--device {whole!r}: {problem}")
    return Condition(key=key, order=order, value=value)


def _problem(key: str, order: str, value: str) -> str | None:
    """What is wrong with a condition, as a sentence."""
    if key not in KEYS:
        hint = did_you_mean(key, KEYS, otherwise=f"There are {', '.join(KEYS)}.")
        return f"{key!r} is nothing that is known of devices; {hint}"
    if key in SYSTEMS:
        bad = not re.fullmatch(r"\d{1,9}(\.\d{1,9})*", value)
        return f"{value!r} is no version of {key}: write it as in {key}>=14." if bad else None
    if order not in ("=", "!="):
        return f"{key} has no order, so that {order} says nothing: write {key}={value or '...'}."
    if not plain(value, keep="*"):
        return f"{key}{order} is followed by no name: write it as in {key}=tensor-g3."
    return None
