"""What an accelerator takes, as dated facts in a file: TOML in a format's folder, read by the format that it is about.

Of an operator's rules the first whose condition holds says what becomes of it. A condition about a fact that is not
known leaves the operator unchecked, as does the lack of a rule.
"""

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from exporter.data.base import Frozen
from exporter.data.facts.checks import Judgement, Support

Fact = bool | int | float | str
ANY = "*"
"""In a rule's operators: every operator."""


class Range(Frozen):
    """Both ends belong to it."""

    least: float | None = None
    most: float | None = None

    def holds(self, fact: Fact) -> bool:
        """Whether a number lies in it."""
        number = float(fact)
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


class AcceleratorRule(Frozen):
    """One fact about operators.

    Attributes:
        operators: names in the format's terms, or ``*``.
        when: facts of the operator with the values that they may have; all of them must hold.
        verdict: what becomes of the operator.
        why: a clause; of operators that fall back.
        remedy: what to write instead, as a clause.
        source: page or document.
        seen: the day on which the source said so.
    """

    operators: Annotated[tuple[str, ...], Field(min_length=1)]
    when: dict[str, tuple[Fact, ...] | Range] = {}
    verdict: Literal[Support.SUPPORTED, Support.CPU, Support.NOT_CHECKED]
    why: str = ""
    remedy: str = ""
    source: str
    seen: dt.date

    @model_validator(mode="after")
    def _says_why(self) -> "AcceleratorRule":
        if (self.verdict is not Support.SUPPORTED) != bool(self.why):
            raise ValueError("why is for operators that are not supported, and each of those needs it")
        return self

    def holds(self, facts: Mapping[str, Fact]) -> bool | None:
        """Whether its condition does; None where that hangs on a fact that is not known."""
        found = [None if name not in facts else _allows(allowed, facts[name]) for name, allowed in self.when.items()]
        if False in found:
            return False
        return None if None in found else True

    def judgement(self, operator: str) -> Judgement:
        """What it says of an operator, with its name in the reason."""
        why = f"{operator}: {self.why}" if self.why else ""
        return Judgement(support=self.verdict, why=why, remedy=self.remedy, source=self.source, seen=self.seen)


class AcceleratorRules(Frozen):
    """A file of rules.

    Attributes:
        accelerator: what it is called in sentences.
        defaults: values for rules that leave a key out.
        rules: of those about one operator the first that holds counts.
    """

    schema_version: Literal[1]
    accelerator: str
    defaults: dict[str, Any] = {}
    rules: tuple[AcceleratorRule, ...]

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        return {**data, "rules": [{**data.get("defaults", {}), **rule} for rule in data["rules"]]}

    def judge(self, operator: str, facts: Mapping[str, Fact]) -> Judgement:
        """What the accelerator makes of an operator.

        Args:
            operator: in the format's terms.
            facts: what rules may ask for.
        """
        for rule in self.rules:
            if not {operator, ANY} & set(rule.operators):
                continue
            holds = rule.holds(facts)
            if holds is None:
                unknown = ", ".join(sorted(set(rule.when) - set(facts)))
                return Judgement(
                    support=Support.NOT_CHECKED, why=f"{operator}: {unknown} is not known before conversion"
                )
            if holds:
                return rule.judgement(operator)
        return Judgement(support=Support.NOT_CHECKED, why=f"no rule of the {self.accelerator} is about {operator}")


def _allows(allowed: tuple[Fact, ...] | Range, fact: Fact) -> bool:
    return allowed.holds(fact) if isinstance(allowed, Range) else fact in allowed


@cache
def read_rules(path: Path) -> AcceleratorRules:
    """The rules of a file of this program."""
    return AcceleratorRules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
