"""What a store asks of native libraries: a verdict on each that fails, and one on all that do not."""

from collections.abc import Iterator, Sequence

from exporter.data.facts.sizes import Facet, Measurement
from exporter.data.verdict import Verdict
from exporter.gates.byte_limits import grade
from exporter.gates.judge import judge
from exporter.sizes.stores import Rule

_WHAT = {
    "library-64": "its LOAD segments can be mapped on pages of {page} at most",
    "library-in-apk": "it begins at an offset in the APK that is a multiple of {page} at most",
}
_ALL = {
    "library-64": "the LOAD segments of all {count} 64-bit native libraries can be mapped on pages of {page}",
    "library-in-apk": "all {count} uncompressed native libraries begin at multiples of {page}",
}


def library_verdicts(found: Measurement, rule: Rule, facets: Sequence[Facet]) -> Iterator[Verdict]:
    """Verdicts by `rule`, which limits an alignment.

    Args:
        found: the package.
        rule: of the store.
        facets: those of `found` that `rule` is about, one a library.
    """
    wrong = [facet for facet in facets if facet.size.value < rule.limit]
    for facet in wrong:
        yield _verdict(f"{found.subject}/{facet.name}", rule, facet.size.value, _WHAT[rule.scope])
    if facets and not wrong:
        least = min(facet.size.value for facet in facets)
        yield _verdict(found.subject, rule, least, _ALL[rule.scope].replace("{count}", str(len(facets))))


def _verdict(subject: str, rule: Rule, value: int, words: str) -> Verdict:
    return judge(
        subject,
        f"store.{rule.id}",
        value,
        "B",
        limit=rule.limit,
        bound=rule.bound,
        severity=grade(rule.severity),
        reason=words.format(page=pages(value)) + ".",
    )


def pages(size: int) -> str:
    """A power of two as people call pages: ``4 KiB``."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size // scale} {unit}"
    return f"{size} B"
