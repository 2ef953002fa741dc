"""SARIF 2.1.0 (OASIS): results of the gates that failed or could not be checked, for code scanning."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from exporter import __version__
from exporter.data.verdict import Status, Verdict
from exporter.report.renderer import Result, View
from exporter.report.summary import counts

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# GitHub refuses a run with more results and keeps the first 5,000.
MAX_RESULTS = 25_000


def render(result: Result, view: View) -> str:
    """One run as JSON.

    Gates that hold are counted in the run's properties and are no results: viewers show every result as an alert,
    whatever its kind says.
    """
    shown = [verdict for verdict in result.verdicts if verdict.status is not Status.PASSED][:MAX_RESULTS]
    index = {metric: number for number, metric in enumerate(dict.fromkeys(verdict.metric for verdict in shown))}
    driver = {"name": "mobile-export", "version": __version__, "rules": [_rule(metric) for metric in index]}
    run = {
        "tool": {"driver": driver},
        "results": [_result(verdict, index) for verdict in shown],
        "columnKind": "unicodeCodePoints",
        "properties": counts(result.verdicts),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(metric: str) -> dict[str, Any]:
    return {"id": metric, "shortDescription": {"text": f"The gate {metric} holds."}}


def _result(verdict: Verdict, index: dict[str, int]) -> dict[str, Any]:
    failed = verdict.status is Status.FAILED
    result: dict[str, Any] = {
        "ruleId": verdict.metric,
        "ruleIndex": index[verdict.metric],
        "kind": "fail" if failed else "open",
        "level": ("error" if verdict.severity == "error" else "warning") if failed else "none",
        "message": {"text": f"{verdict.subject}: {verdict.reason}"},
        "locations": [_location(verdict.subject)],
        "partialFingerprints": {"gate/v1": _fingerprint(verdict)},
        "properties": {"value": verdict.value, "limit": verdict.limit, "unit": verdict.unit},
    }
    if verdict.waiver is not None:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": verdict.waiver}]
    return result


def _location(subject: str) -> dict[str, Any]:
    """The subject as a relative URI (RFC 3986), so that names with spaces, colons or line ends stay valid."""
    uri = quote(subject.encode("utf-8", "surrogatepass"), safe="/")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}


def _fingerprint(verdict: Verdict) -> str:
    """The same for the same gate of the same subject, whatever its value."""
    text = f"{verdict.subject}\0{verdict.metric}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
