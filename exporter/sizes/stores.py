"""Store rules: dated data from stores.toml and from a file of the user's, and which of them hold."""

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from exporter.config.toml import read_settings
from exporter.data.base import Frozen
from exporter.data.errors import UsageProblem
from exporter.data.facts.sizes import Counts
from exporter.data.quantities import SizeText
from exporter.data.verdict import Bound

STALE_AFTER = dt.timedelta(days=365)

_COMPARISON = re.compile(r"(>=|<)([0-9]+(?:\.[0-9]+)?)")
_SYSTEM = re.compile(r"(?:[A-Za-z]+ )?([0-9]+(?:\.[0-9]+)?)(?:\.[0-9]+)*")


class Rule(Frozen):
    """One limit of a store.

    Attributes:
        id: dotted name, unique.
        group: rules of one group are alternatives of which the largest that holds counts; `id` when not set.
        stores: names that ``--store`` takes.
        title: what is limited, in words.
        limit: bytes.
        bound: whether `limit` is the most or the least that the store takes.
        counts: what is counted.
        scope: the part of the app that is counted.
        severity: ``warning`` for a prompt or an advice.
        minimum_os: comparisons with the minimum version, all of which must hold: ``>=16 <17``.
        invocations: how the App Clip may be started for the rule to hold.
        formats: the model formats that it is about; empty for all.
        source: page or document.
        seen: the day on which the source said so.
    """

    id: str
    group: str = ""
    stores: tuple[str, ...]
    title: str
    limit: SizeText
    bound: Bound = "at most"
    counts: Counts
    scope: str
    severity: Literal["error", "warning"] = "error"
    minimum_os: Annotated[str, Field(pattern=r"^((>=|<)[0-9]+(\.[0-9]+)?( |$))*$")] = ""
    invocations: tuple[Literal["digital", "physical", "demo-link"], ...] = ()
    formats: tuple[str, ...] = ()
    source: str
    seen: dt.date
    note: str = ""
    enabled: bool = True

    def stale(self, today: dt.date) -> bool:
        """Whether it was last looked at more than a year before `today`."""
        return today - self.seen > STALE_AFTER

    def holds(self, minimum_os: str | None, invocation: str | None) -> bool | None:
        """Whether its conditions hold; None when that hangs on a minimum OS that is not known."""
        if self.invocations and invocation not in self.invocations:
            return False
        if not self.minimum_os:
            return True
        if minimum_os is None:
            return None
        version = version_key(minimum_os)
        return all(
            version >= version_key(bound) if sign == ">=" else version < version_key(bound)
            for sign, bound in _COMPARISON.findall(self.minimum_os)
        )


class RuleFile(Frozen):
    """A file of rules; `defaults` are values for rules that leave a key out."""

    schema_version: int = 1
    defaults: dict[str, Any] = {}
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("defaults", {}), dict):
            return data
        rules = data.get("rules", [])
        if isinstance(rules, list):
            rules = [{**data.get("defaults", {}), **rule} if isinstance(rule, dict) else rule for rule in rules]
        return {**data, "rules": rules}


class Selected(Frozen):
    """A rule that is to be judged.

    Attributes:
        supposed: what had to be supposed to choose it; empty when its conditions are known to hold.
        in_doubt: whether perhaps no rule of the group holds at all, so that breaking this one proves nothing.
    """

    rule: Rule
    supposed: str = ""
    in_doubt: bool = False


def version_key(text: str) -> tuple[int, int]:
    """Major and minor of ``16``, ``16.4``, ``iOS 16.4`` or ``Android 12``.

    Raises:
        UsageProblem: it is not a version.
    """
    match = _SYSTEM.fullmatch(text.strip())
    if match is None:
        raise UsageProblem(f"{text!r} is not a version of an operating system: write 16, 16.4 or 'iOS 16.4'.")
    major, _, minor = match[1].partition(".")
    return int(major), int(minor or 0)


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rules of this release."""
    return read_settings(Path(__file__).with_name("stores.toml"), RuleFile).rules


def load_rules(user_file: Path | None) -> list[Rule]:
    """The shipped rules with the user's over them; rules that are not enabled are left out."""
    rules = {rule.id: rule for rule in shipped_rules()}
    if user_file is not None:
        rules.update({rule.id: rule for rule in read_settings(user_file, RuleFile).rules})
    return [rule for rule in rules.values() if rule.enabled]


def store_names(rules: Iterable[Rule]) -> list[str]:
    """Every name that ``--store`` takes."""
    return sorted({store for rule in rules for store in rule.stores})


def select(
    rules: Iterable[Rule], stores: Iterable[str], *, minimum_os: str | None, invocation: str | None
) -> list[Selected]:
    """The rules to judge for `stores`: of each group the largest limit that holds.

    Where that hangs on a minimum OS that was not given, the smallest limit is taken and the choice says so.

    Raises:
        UsageProblem: a store that no rule is for.
    """
    rules, stores = list(rules), list(stores)
    known = store_names(rules)
    for store in stores:
        if store not in known:
            raise UsageProblem(f"there is no store {store!r}; there are: {', '.join(known)}.")
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        if set(rule.stores) & set(stores):
            groups.setdefault(rule.group or rule.id, []).append(rule)
    chosen = (_choose(group, minimum_os, invocation) for group in groups.values())
    return [choice for choice in chosen if choice is not None]


def _choose(group: list[Rule], minimum_os: str | None, invocation: str | None) -> Selected | None:
    found = [(rule, rule.holds(minimum_os, invocation)) for rule in group]
    holding = [rule for rule, holds in found if holds is not False]
    if not holding:
        return None
    if all(holds is not None for _, holds in found):
        return Selected(rule=max(holding, key=lambda rule: rule.limit))
    rule = min(holding, key=lambda rule: rule.limit)
    if len(holding) == 1:
        told = f"the rule holds for a minimum OS {rule.minimum_os}, which is not given (--minimum-os)"
        return Selected(rule=rule, supposed=told, in_doubt=True)
    return Selected(rule=rule, supposed="the minimum OS is not given (--minimum-os), so the strictest limit is taken")
