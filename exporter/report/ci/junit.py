"""JUnit XML, as Jenkins' junit-10.xsd has it: one test case a verdict, one suite a subject."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from exporter.data.verdict import Status, Verdict
from exporter.report.renderer import Result, View
from exporter.report.summary import excused

# Characters that XML 1.0 cannot hold, not even escaped (section 2.2), and those that move a cursor.
_IMPOSSIBLE = re.compile("[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(result: Result, view: View) -> str:
    """The document as text with its XML declaration; write it as UTF-8.

    A failed gate of severity ``warning`` and a gate that was not checked are ``skipped`` with the reason, since JUnit
    knows no third state: readers show them, and they do not fail the build.
    """
    name = f"mobile-export {result.kind}"
    root = ET.Element("testsuites", {"name": name, **_counts(result.verdicts)})
    for subject in dict.fromkeys(verdict.subject for verdict in result.verdicts):
        _suite(root, subject, [verdict for verdict in result.verdicts if verdict.subject == subject])
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, subject: str, found: Sequence[Verdict]) -> None:
    skipped = str(sum(map(_skipped, found)))
    suite = ET.SubElement(root, "testsuite", {"name": _text(subject), **_counts(found), "skipped": skipped})
    for verdict in found:
        _case(suite, verdict)


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {"tests": str(len(verdicts)), "failures": str(sum(map(_failed, verdicts))), "errors": "0"}


def _failed(verdict: Verdict) -> bool:
    return verdict.status is Status.FAILED and verdict.severity == "error"


def _skipped(verdict: Verdict) -> bool:
    return verdict.status is not Status.PASSED and not _failed(verdict)


def _case(suite: ET.Element, verdict: Verdict) -> None:
    case = ET.SubElement(suite, "testcase", {"name": _text(verdict.metric), "classname": _text(verdict.subject)})
    reason = _text(excused(verdict))
    if _failed(verdict):
        ET.SubElement(case, "failure", {"type": _text(verdict.metric), "message": reason})
    elif _skipped(verdict):
        kind = "warning" if verdict.status is Status.FAILED else "not checked"
        ET.SubElement(case, "skipped", {"type": kind, "message": f"{kind}: {reason}"})
    else:
        ET.SubElement(case, "system-out").text = reason


def _text(text: str) -> str:
    """`text` with what XML cannot hold written as an escape sequence."""
    return _IMPOSSIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
