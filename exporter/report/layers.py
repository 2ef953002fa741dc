"""Where an artifact leaves its source, brought to words and cells once for every renderer."""

import math
from collections.abc import Iterator

from exporter.data.facts.layers import LayerComparison, LayerFindings, NotMatched, Statistics

WORST = 10
_NAMED = 5
"""So many layers without a partner are named."""
COLUMNS = ("module", "kind", "made by", "matched by", "axes", ">SNR dB", ">largest error", ">cosine")
"""Of a table of layers; figures begin with ``>``."""


def cells(layer: LayerComparison) -> list[str]:
    """A row of a table of `COLUMNS`."""
    figures = [snr_words(layer.snr_db), f"{layer.max_abs_error:.3g}", f"{layer.cosine:.5f}"]
    return [layer.title, layer.kind, layer.operation, layer.matched_by, layer.axes or "same", *figures]


def summary(found: LayerFindings) -> Iterator[str]:
    """The first layer that has left the source, or that none has; then what is not known."""
    compared, left = len(found.layers.compared), found.layers.not_matched
    first = found.first
    if not compared:
        yield "No layer of the source could be found in the artifact, so that nothing is known of any."
    elif first is None:
        yield f"None of the {compared} layers that were compared is below {found.least_snr_db:g} dB."
    else:
        yield from _leaving(first, found)
    if left:
        yield f"Not matched, so that nothing is known of them: {_names(left)}."
    if compared < len(left):
        yield "Fewer than half of the layers were found: the artifact may be of another model."


def _leaving(first: LayerComparison, found: LayerFindings) -> Iterator[str]:
    yield (
        f"The artifact leaves the source at {first.title} ({first.kind}): {snr_words(first.snr_db)} dB, below "
        f"{found.least_snr_db:g} dB; largest error {first.max_abs_error:.3g}, cosine {first.cosine:.5f}"
    )
    yield f"  source   {_words(first.source)}"
    yield f"  artifact {_words(first.artifact)}"
    axes = f", {first.axes}" if first.axes else ""
    yield f"  made by {first.operation} as {first.output} ({first.location}), matched by {first.matched_by}{axes}"
    if found.rule:
        yield f"To keep it in float, add to the target's quantization.rules: {found.rule}"
    else:
        yield "No rule of this target keeps it in float."


def snr_words(snr_db: float) -> str:
    """In dB; a layer without any difference is ``exact``."""
    return "exact" if snr_db == math.inf else f"{snr_db:.1f}"


def _names(left: tuple[NotMatched, ...]) -> str:
    named = ", ".join(f"{one.module} ({one.kind}: {one.reason})" for one in left[:_NAMED])
    return named if len(left) <= _NAMED else f"{named} and {len(left) - _NAMED} more; -f json has them all"


def _words(statistics: Statistics) -> str:
    shape = "x".join(map(str, statistics.shape)) or "one value"
    bad = f", {statistics.not_finite} not finite" if statistics.not_finite else ""
    return (
        f"{shape}: from {statistics.minimum:.4g} to {statistics.maximum:.4g}, mean {statistics.mean:.4g}, "
        f"std {statistics.std:.4g}{bad}"
    )
