"""Findings: one row for the same, the worst first, and no place lost."""

from exporter.data.facts.checks import Judgement, OperatorFinding, Support, merged, worst


def finding(operator: str, support: Support, place: str) -> OperatorFinding:
    return OperatorFinding(operator=operator, places=(place,), conversion=Judgement(support=support))


def test_operators_of_which_the_same_is_known_are_one_finding() -> None:
    rows = merged(
        [
            finding("relu", Support.SUPPORTED, "a"),
            finding("sort", Support.REFUSED, "b"),
            finding("relu", Support.SUPPORTED, "c"),
            finding("relu", Support.NOT_CHECKED, "d"),
        ]
    )
    assert [(row.operator, row.support, row.places) for row in rows] == [
        ("sort", Support.REFUSED, ("b",)),
        ("relu", Support.NOT_CHECKED, ("d",)),
        ("relu", Support.SUPPORTED, ("a", "c")),
    ]


def test_what_is_not_known_is_worse_than_what_is_supported() -> None:
    """Protects a gate from passing for what it did not look at."""
    judgements = [Judgement(support=support) for support in (Support.SUPPORTED, Support.NOT_CHECKED, Support.REWRITTEN)]
    assert worst(judgements).support is Support.NOT_CHECKED
