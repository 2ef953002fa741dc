"""GitLab code quality report: a JSON array of issues, one for each gate that failed or could not be checked."""

import hashlib
import json
from collections import Counter
from typing import Any

from exporter.data.verdict import Status, Verdict
from exporter.report.renderer import Result, View
from exporter.report.summary import excused


def render(result: Result, view: View) -> str:
    """The report as JSON.

    Source: GitLab docs, "Code Quality report format": description, check_name, fingerprint (unique), severity,
    location.path, location.lines.begin.
    """
    seen: Counter[str] = Counter()
    shown = [verdict for verdict in result.verdicts if verdict.status is not Status.PASSED]
    return json.dumps([_issue(verdict, seen) for verdict in shown], indent=2) + "\n"


def _issue(verdict: Verdict, seen: Counter[str]) -> dict[str, Any]:
    key = f"{verdict.subject}\0{verdict.metric}"
    # Two figures of one gate on one subject (two modules, say) differ by their order.
    fingerprint = hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")).hexdigest()
    seen[key] += 1
    return {
        "description": excused(verdict),
        "check_name": verdict.metric,
        "fingerprint": fingerprint,
        "severity": _severity(verdict),
        "location": {"path": verdict.subject, "lines": {"begin": 1}},
    }


def _severity(verdict: Verdict) -> str:
    if verdict.status is Status.NOT_CHECKED:
        return "info"
    return "critical" if verdict.severity == "error" else "minor"
