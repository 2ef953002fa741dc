"""GitLab code quality report: a JSON array of issues, one for each gate that failed or could not be checked."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from exporter.data.verdict import Status, Verdict


def render_gitlab(verdicts: Sequence[Verdict]) -> str:
    """The report as JSON.

    Source: GitLab docs, "Code Quality report format": description, check_name, fingerprint (unique), severity,
    location.path, location.lines.begin.
    """
    seen: Counter[str] = Counter()
    issues = []
    for verdict in verdicts:
        if verdict.status is Status.PASSED:
            continue
        key = f"{verdict.subject}\0{verdict.metric}"
        # Two figures of one gate on one subject (two modules, say) differ by their order.
        fingerprint = hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")).hexdigest()
        seen[key] += 1
        issues.append(
            {
                "description": verdict.reason if verdict.waiver is None else f"{verdict.reason} ({verdict.waiver})",
                "check_name": verdict.metric,
                "fingerprint": fingerprint,
                "severity": _severity(verdict),
                "location": {"path": verdict.subject, "lines": {"begin": 1}},
            }
        )
    return json.dumps(issues, indent=2) + "\n"


def _severity(verdict: Verdict) -> str:
    if verdict.status is Status.NOT_CHECKED:
        return "info"
    return "critical" if verdict.severity == "error" else "minor"
