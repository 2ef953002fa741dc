"""Sizes against limits: store rules, the team's budgets, growth and drift, packaging; all of them, each one Verdict."""

import datetime as dt
from collections.abc import Iterator, Sequence

from exporter.config.budgets import BudgetFile, Waiver
from exporter.data.facts.sizes import Facet, Finding, Measurement
from exporter.data.verdict import Status, Verdict
from exporter.gates.artifact import artifact_verdicts
from exporter.gates.byte_limits import Gates, judge_bytes, total
from exporter.gates.homes import with_homes
from exporter.gates.judge import not_checked
from exporter.gates.native import library_verdicts
from exporter.gates.team import team_verdicts
from exporter.sizes.models import in_one_app
from exporter.sizes.packaging import Options
from exporter.sizes.stores import Selected

_SCOPES = {
    "app-clip": "App Clip",
    "executable": "all executables",
    "install-time": "all of the first install",
    "apk": "APK",
    "only-32-bit": "32-bit native code without its 64-bit counterpart",
    "on-demand-resources": "all on-demand resources",
    "on-demand": "all on-demand packs",
    "ai-pack": "AI pack",
    "ai-packs": "all AI packs",
    "background-assets": "all background assets",
}
_COUNTS = {
    "uncompressed": "uncompressed",
    "install": "installed",
    "download": "as a download",
    "text": "their __TEXT segments",
    "file": "as a file",
}


def judge_sizes(measurements: Sequence[Measurement], gates: Gates, options: Options) -> list[Verdict]:
    """Every verdict on `measurements`; failures that a waiver covers are shown as warnings with the waiver."""
    whole = total(measurements, options)
    subjects = [*measurements, whole] if whole else list(measurements)
    verdicts: list[Verdict] = []
    for found in _for_stores(measurements, whole, options):
        rules = gates.rules.get(found.subject, [])
        given = next((one for one in measurements if one.subject == found.subject), found)
        for selected in rules:
            judged = _store_verdicts(found, selected, gates.today)
            verdicts += [with_homes(verdict, given, rules) for verdict in judged]
        if found is not whole:
            verdicts += _uncovered(found, rules)
    for found in measurements:
        verdicts += artifact_verdicts(found)
        verdicts += _packaging(found, gates.budgets)
    verdicts += team_verdicts(subjects, measurements, gates)
    return [_waived(verdict, gates.budgets.waivers, gates.today) for verdict in verdicts]


def _for_stores(
    measurements: Sequence[Measurement], whole: Measurement | None, options: Options
) -> Iterator[Measurement]:
    """What store rules are judged on: models given alone go into one app, so their limits are those of their sum."""
    alone = [found for found in measurements if any(facet.partial for facet in found.facets)]
    for found in measurements:
        if found not in alone:
            yield found
        elif len(alone) == 1:
            own = [facet for facet in found.facets if not facet.partial]
            yield found.model_copy(update={"facets": (*own, *in_one_app(alone, options))})
        else:
            yield found.model_copy(update={"facets": tuple(facet for facet in found.facets if not facet.partial)})
    if whole is not None and len(alone) > 1:
        yield whole


def _store_verdicts(found: Measurement, selected: Selected, today: dt.date) -> Iterator[Verdict]:
    rule = selected.rule
    about = [facet for facet in found.facets if _about(facet, selected)]
    if rule.counts == "alignment":
        yield from (_sourced(verdict, selected, today) for verdict in library_verdicts(found, rule, about))
        return
    for facet in about:
        verdict = judge_bytes(
            found.subject,
            f"store.{rule.id}",
            facet.size,
            rule.limit,
            _words(facet),
            severity=rule.severity,
            partial="the size of the rest of the app is not given (--app-size)" if facet.partial else "",
        )
        yield _sourced(verdict, selected, today, partial=facet.partial)


def _sourced(verdict: Verdict, selected: Selected, today: dt.date, *, partial: bool = False) -> Verdict:
    """With what the rule says, where it failed, and with what had to be supposed."""
    rule = selected.rule
    if selected.in_doubt and verdict.status is Status.FAILED:
        verdict = verdict.model_copy(update={"status": Status.NOT_CHECKED})
    notes = [selected.supposed, "this rule was last checked more than a year ago" if rule.stale(today) else ""]
    told = verdict.status is Status.FAILED or (verdict.status is Status.NOT_CHECKED and not partial)
    if told or rule.stale(today):
        notes = [f"the limit is on {rule.title} ({rule.source}, seen {rule.seen})", rule.note, *notes]
    reason = " ".join([verdict.reason, *(f"{note[0].upper()}{note[1:]}." for note in notes if note)])
    return verdict.model_copy(update={"reason": reason})


def _about(facet: Facet, selected: Selected) -> bool:
    rule = selected.rule
    return (
        facet.scope == rule.scope and facet.counts == rule.counts and (not rule.formats or facet.format in rule.formats)
    )


def _words(facet: Facet) -> str:
    scope = _SCOPES.get(facet.scope, facet.scope.replace("-", " "))
    return f"{scope}{f' {facet.name}' if facet.name else ''}, {_COUNTS[facet.counts]},"


def _uncovered(found: Measurement, rules: Sequence[Selected]) -> Iterator[Verdict]:
    """A subject that no rule of the stores asked for is about must not look as if it had passed them."""
    if rules and not any(_about(facet, selected) for selected in rules for facet in found.facets):
        reason = f"no rule of the stores asked for is about what a {found.kind} shows; give the app, or its report."
        yield not_checked(found.subject, "store", "B", reason)


def _packaging(found: Measurement, budgets: BudgetFile) -> Iterator[Verdict]:
    severities = {
        "duplicate": budgets.duplicates,
        "compressed": budgets.compressed,
        "empty": "error",
        "damaged": "error",
        "extraction": "error",
        "extracted": budgets.extracted,
    }
    for finding in found.findings:
        severity = severities[finding.kind]
        if severity != "off":
            yield _finding_verdict(found.subject, finding, severity)


def _finding_verdict(subject: str, finding: Finding, severity: str) -> Verdict:
    return Verdict(
        subject=f"{subject}/{finding.name}",
        metric=f"packaging.{finding.kind}",
        value=finding.wasted_bytes,
        unit="B",
        limit=0 if finding.kind == "duplicate" else None,
        status=Status.FAILED,
        margin=-finding.wasted_bytes if finding.kind == "duplicate" else None,
        severity="error" if severity == "error" else "warning",
        reason=finding.sentence + ".",
    )


def _waived(verdict: Verdict, waivers: Sequence[Waiver], today: dt.date) -> Verdict:
    """A failure stays a failure; a waiver that holds only takes its power to fail the run."""
    if verdict.status is not Status.FAILED:
        return verdict
    covering = [waiver for waiver in waivers if waiver.covers(verdict.subject, verdict.metric)]
    holding = [waiver for waiver in covering if today <= waiver.expires]
    if holding:
        waiver = max(holding, key=lambda waiver: (waiver.expires, waiver.author, waiver.reason))
        told = f"waived by {waiver.author} until {waiver.expires}: {waiver.reason}"
        return verdict.model_copy(update={"severity": "warning", "waiver": told})
    if covering:
        last = max(covering, key=lambda waiver: (waiver.expires, waiver.author))
        return verdict.model_copy(
            update={"reason": f"{verdict.reason} The waiver of {last.author} expired on {last.expires}."}
        )
    return verdict
