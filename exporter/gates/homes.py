"""Where else a model that is too large for the app could live: the packs that a store delivers apart."""

from collections.abc import Iterator, Sequence

from exporter.data.facts.sizes import ByteCount, Counts, Measurement
from exporter.data.units import format_size
from exporter.data.verdict import Status, Verdict
from exporter.sizes.models import DELIVERED
from exporter.sizes.stores import Selected


def with_homes(verdict: Verdict, found: Measurement, rules: Sequence[Selected]) -> Verdict:
    """A failure of a model in its app, with the deliveries whose rules it would hold.

    Args:
        verdict: by a rule of a store.
        found: what was measured; a model alone says by its partial figures that it is to go into an app.
        rules: of the stores asked for.
    """
    sizes = {facet.counts: facet.size for facet in found.facets if facet.partial}
    failed = verdict.status is Status.FAILED and verdict.severity == "error"
    if not sizes or not failed or verdict.metric.startswith("store.format."):
        return verdict
    homes = list(_homes(sizes, rules))
    if not homes:
        return verdict
    return verdict.model_copy(update={"reason": f"{verdict.reason} It could live outside the app: {', '.join(homes)}."})


def _homes(sizes: dict[Counts, ByteCount], rules: Sequence[Selected]) -> Iterator[str]:
    """``--delivery asset-pack (1.50 GB)`` for each delivery that one rule or more is about, and that holds them all."""
    for delivery, scopes in DELIVERED.items():
        about = [one.rule for one in rules if one.rule.scope in scopes and one.rule.counts in sizes]
        if about and all(sizes[rule.counts].high <= rule.limit for rule in about if rule.severity == "error"):
            yield f"--delivery {delivery} ({format_size(min(rule.limit for rule in about))})"
