"""A target's own size budgets: one judge for the run that made the artifact and for whoever measures it later."""

from collections.abc import Iterator

from exporter.data.facts.sizes import Measurement
from exporter.data.verdict import Verdict
from exporter.gates.baseline import sizes_of
from exporter.gates.byte_limits import judge_bytes, missing


def artifact_verdicts(found: Measurement) -> Iterator[Verdict]:
    """One verdict for each of `found`'s limits, ``size`` and ``download``; not checked where the figure is not known.

    The subject is the target's name wherever the artifact was measured, so that a finding stays the same finding.
    """
    subject = found.target or found.subject
    for metric, limit in found.limits.items():
        size = sizes_of(found).figure(metric)
        if size is None:
            yield missing(found, metric, metric, "error", limit=limit).model_copy(update={"subject": subject})
        else:
            yield judge_bytes(subject, metric, size, limit, f"its {metric}", severity="error")
