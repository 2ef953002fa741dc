"""Rules of accelerators: what no rule is about is never called supported."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.data.facts.checks import Support
from exporter.formats.common.accelerators import AcceleratorRules, read_rules

FORMATS = Path(__file__).resolve().parents[4] / "exporter" / "formats"
SHIPPED = sorted(FORMATS.glob("*/check/*.toml"))


def rules(*given: dict[str, Any]) -> AcceleratorRules:
    defaults = {"source": "https://example.org", "seen": dt.date(2026, 1, 1)}
    return AcceleratorRules.model_validate(
        {"schema_version": 1, "accelerator": "NPU", "defaults": defaults, "rules": given}
    )


SLICES = rules(
    {"operators": ["*"], "when": {"rank": {"least": 5}}, "verdict": "falls back to CPU", "why": "five is too many"},
    {"operators": ["SLICE"], "when": {"rank": [3, 4]}, "verdict": "supported"},
    {"operators": ["SLICE"], "verdict": "falls back to CPU", "why": "three or four alone", "remedy": "reshape"},
)


@pytest.mark.parametrize(
    ("operator", "facts", "support"),
    [
        ("SLICE", {"rank": 3}, Support.SUPPORTED),
        ("SLICE", {"rank": 2}, Support.CPU),
        ("SLICE", {"rank": 6}, Support.CPU),
        ("SLICE", {}, Support.NOT_CHECKED),
        ("OTHER", {"rank": 3}, Support.NOT_CHECKED),
        ("OTHER", {"rank": 5}, Support.CPU),
    ],
)
def test_the_first_rule_that_holds_counts(operator: str, facts: dict[str, Any], support: Support) -> None:
    """Protects users from a promise: an unknown fact, or an operator without a rule, leaves it unchecked."""
    judgement = SLICES.judge(operator, facts)
    assert judgement.support is support
    assert (judgement.why == "") == (support is Support.SUPPORTED)


def test_a_fallback_says_who_says_so_and_what_to_change() -> None:
    judgement = SLICES.judge("SLICE", {"rank": 2})
    assert (judgement.source, judgement.seen) == ("https://example.org", dt.date(2026, 1, 1))
    assert (judgement.why, judgement.remedy) == ("SLICE: three or four alone", "reshape")


@pytest.mark.parametrize("verdict", ["refused", "supported after a rewrite", "yes"])
def test_an_accelerator_has_no_other_verdicts(verdict: str) -> None:
    with pytest.raises(ValidationError):
        rules({"operators": ["X"], "verdict": verdict, "why": "so"})


def test_a_fallback_without_a_reason_is_no_rule() -> None:
    with pytest.raises(ValidationError, match="why"):
        rules({"operators": ["X"], "verdict": "falls back to CPU"})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_rules_are_dated_facts_with_sources(path: Path) -> None:
    """Protects whoever has to look them up again: each says where it was read, and when."""
    shipped = read_rules(path)
    assert shipped.rules
    for rule in shipped.rules:
        assert rule.source.startswith("https://")
        assert dt.date(2026, 1, 1) <= rule.seen <= dt.date.today()


def test_there_are_rules() -> None:
    assert len(SHIPPED) >= 2
