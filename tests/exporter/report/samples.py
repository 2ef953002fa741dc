"""Verdicts of every kind, also with names that no format may trip over."""

from collections.abc import Sequence

from hypothesis import strategies as st

from exporter.data.results.sizes import BudgetResult, SizeRow
from exporter.data.verdict import Status, Verdict

NASTY = [
    "app.ipa",
    "two\nlines\r\n::error::forged",
    "a,b:c%25|d`e`*f*",
    "<script>alert(1)</script>&amp;]]>",
    "模型/модель/🤖.tflite",
    "nul\x00bell\x07esc\x1b[31m",
    "lone\udc80surrogate",
    "../../etc/passwd",
    "",
]


def verdict(**changes: object) -> Verdict:
    """A failed size gate with `changes`."""
    fields: dict[str, object] = {
        "subject": "app.ipa",
        "metric": "download.max",
        "value": 6e6,
        "unit": "B",
        "limit": 5e6,
        "margin": -1e6,
        "status": Status.FAILED,
        "reason": "its download takes 6.00 MB, over 5.00 MB.",
    }
    return Verdict.model_validate({**fields, **changes})


def every_kind() -> list[Verdict]:
    """Failed, warned, waived, not checked, passed."""
    return [
        verdict(),
        verdict(severity="warning", metric="install.max"),
        verdict(severity="warning", metric="install.growth", waiver="waived by Ada until 2027-01-01: a new voice"),
        verdict(status=Status.NOT_CHECKED, value=None, limit=None, margin=None, metric="download.growth"),
        verdict(status=Status.PASSED, value=4e6, margin=1e6, subject="other.apk"),
    ]


def budget(verdicts: Sequence[Verdict], rows: Sequence[SizeRow] = ()) -> BudgetResult:
    """A result with these verdicts."""
    return BudgetResult((), None, tuple(rows), tuple(verdicts), 0)


texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=()), max_size=30))
statuses = st.sampled_from(list(Status))
verdicts = st.lists(
    st.fixed_dictionaries(
        {
            "subject": texts,
            "metric": texts.map(lambda text: text or "size"),
            "reason": texts.map(lambda text: text or "because"),
            "status": statuses,
            "severity": st.sampled_from(["error", "warning"]),
            "waiver": st.none() | texts,
            "value": st.none() | st.floats(0, 1e15),
        }
    ).map(lambda facts: verdict(**facts)),
    max_size=12,
)
