"""Parity facts and a target's tolerances to verdicts."""

import math
from collections.abc import Sequence

from exporter.data.facts.advice import GENERAL, Advice
from exporter.data.facts.parity import ChannelFact, OutputParity, Parity
from exporter.data.settings.target import Target
from exporter.data.verdict import Bound, Status, Verdict
from exporter.gates.judge import judge, not_checked
from exporter.gates.shapes import shape_verdicts
from exporter.gates.steps import steps_verdicts
from exporter.verification.channels import spoken
from exporter.verification.paired import Interval, at_chance, paired_drop

_UNITS = {"snr_db": "dB", "top1_drop_points": "points", "top5_drop_points": "points"}
_METRICS = {
    "snr_db": "parity.snr",
    "cosine": "parity.cosine",
    "max_abs_error": "parity.max_abs_error",
    "top1_agreement": "parity.top1_agreement",
    "top1_drop_points": "accuracy.top1_drop",
    "top5_drop_points": "accuracy.top5_drop",
}
_WORDS = {
    "snr_db": "signal-to-noise ratio",
    "cosine": "cosine similarity",
    "max_abs_error": "largest error",
    "top1_agreement": "same top class as the source",
}
CHANNELS = "parity.channels"
FINITE = "parity.finite"
VARIATION = "parity.variation"


def parity_verdicts(
    target: Target,
    parity: Parity | None,
    reason: str = "",
    *,
    strict: bool = False,
    advice: Advice = GENERAL,
) -> list[Verdict]:
    """One verdict a tolerance of the target, on the worst part of any output, NaN and infinity, all shapes, and steps.

    Args:
        parity: what was measured; None when nothing could be.
        reason: why nothing could be.
        strict: whether an accuracy limit that the sample cannot decide is not checked.
        advice: what to do about what is found, in the words of the target's format.
    """
    elsewhere = frozenset() if parity is None or parity.task is None else parity.task.agreed  # gates/tasks.py
    given = {key: getattr(target.tolerances, key) for key in _METRICS if key not in elsewhere}
    limits = {key: value for key, value in given.items() if value is not None}
    if parity is not None and (problem := source_problem(parity)) and not _bad_outputs(parity):
        return [not_checked(target.name, FINITE, "1", problem), *_unknown(target, limits, problem)]
    if parity is None:
        return _unknown(target, limits, reason)
    if parity.not_compared:
        return [*_finite(target, parity, advice), *_unknown(target, limits, parity.not_compared)]
    verdicts = [*_finite(target, parity, advice), *_variation(target, parity)]
    if "snr_db" in limits:
        verdicts += _channels(target, parity, limits["snr_db"], advice)
    for key, limit in limits.items():
        accuracy = key.endswith("_drop_points")
        verdicts.append(
            _accuracy(target, key, limit, parity, strict) if accuracy else _plain(target, key, limit, parity)
        )
    least = limits.get("snr_db")
    return [*verdicts, *shape_verdicts(target.name, parity, least), *steps_verdicts(target.name, parity, least)]


def _unknown(target: Target, limits: dict[str, float], reason: str) -> list[Verdict]:
    return [
        not_checked(target.name, _METRICS[key], _UNITS.get(key, "1"), reason, limit=limit, bound=_bound(key))
        for key, limit in limits.items()
    ]


def _bad_outputs(parity: Parity) -> list[OutputParity]:
    return [output for output in parity.outputs if output.not_finite]


def source_problem(parity: Parity) -> str:
    """What the source itself gives that is not finite, as a sentence; empty when nothing."""
    found = [
        f"output {output.name}: {output.source_not_finite} of {output.values} values, first in example "
        f"{(output.source_not_finite_example or 0) + 1}"
        for output in parity.outputs
        if output.source_not_finite
    ]
    return f"the source itself gives NaN or infinity ({'; '.join(found)}) on {parity.data}" if found else ""


def _finite(target: Target, parity: Parity, advice: Advice) -> list[Verdict]:
    """A failed verdict where the artifact gives NaN or infinity and the source does not; nothing else."""
    bad = _bad_outputs(parity)
    if not bad:
        return []
    where = "; ".join(
        f"output {output.name}: {output.not_finite} of {output.values} values, first in example "
        f"{(output.not_finite_example or 0) + 1}"
        for output in bad
    )
    reason = f"NaN or infinity where the source is finite ({where}) {_where(parity)}; {advice.on_overflow}"
    count = sum(output.not_finite for output in bad)
    return [judge(target.name, FINITE, count, "1", limit=0, bound="at most", reason=reason)]


def _still(parity: Parity) -> list[OutputParity]:
    """Outputs that do not follow the source from example to example."""
    return [output for output in parity.outputs if output.variation_db is not None and output.variation_db <= 0]


def _variation(target: Target, parity: Parity) -> list[Verdict]:
    """A failed verdict where an output changes otherwise than the source's from one given example to the next."""
    still = [] if parity.drawn else _still(parity)
    return [_follows_not(target, parity, output) for output in still[:1]]


def _follows_not(target: Target, parity: Parity, output: OutputParity) -> Verdict:
    reason = (
        f"output {output.name} does not follow the source from example to example: what changes in it is off by more "
        f"than it changes {_where(parity)}"
    )
    value = output.variation_db or 0.0
    verdict = judge(target.name, VARIATION, value, "dB", limit=0, bound="at least", reason=reason)
    return verdict.model_copy(update={"status": Status.FAILED})  # 0 dB is off by as much as it changes


def _channels(target: Target, parity: Parity, limit: float, advice: Advice) -> list[Verdict]:
    """The worst part of any output; nothing in records that have no outputs."""
    parts = [(output, output.worst) for output in parity.outputs if output.worst is not None and not output.not_finite]
    if not parts:
        return []
    output, worst = min(parts, key=lambda part: part[1].db)
    value = math.nan if math.isnan(worst.db) else worst.db
    reason = f"{_part(output, worst)} {_where(parity)}"
    if not value >= limit:
        reason += _part_advice(advice, output, worst)
    return [judge(target.name, CHANNELS, value, "dB", limit=limit, bound="at least", reason=reason)]


def _part(output: OutputParity, worst: ChannelFact) -> str:
    if worst.db == math.inf:
        return f"every value of every output is the source's, {output.values} of {output.name}"
    where = f"index {spoken(worst.indices)} of axis {worst.axis} ({worst.channels} long) of output {output.name}"
    if worst.kind == "constant":
        return f"{where} is constant in the artifact and spreads over {worst.spread:.3g} in the source"
    words = {"quantity": "on its own scale", "channel": "the worst channel", "value": "the largest single error"}
    return f"{where}, {words[worst.kind]}: {worst.db:.4g} dB, error up to {worst.error:.3g}"


def _part_advice(advice: Advice, output: OutputParity, worst: ChannelFact) -> str:
    """What to do where small quantities share an output with large ones."""
    if worst.kind != "constant" and worst.largest_peak <= worst.source_peak:
        return ""
    step = f"; its quantization step of {output.step:.3g} is " if output.step is not None else "; its step may be "
    wide = output.step is None or output.step > worst.spread
    why = f"{step}larger than that spread" if wide else ""
    return (
        f"{why}: split the head into outputs of their own, or keep it in float from its last layers to its "
        f"concatenation: {advice.keep_float} and each operator before it"
    )


def _plain(target: Target, key: str, limit: float, parity: Parity) -> Verdict:
    value = _value(key, parity)
    if value is None:
        words = "the output is not one of class scores"
        return not_checked(target.name, _METRICS[key], _UNITS.get(key, "1"), words, limit=limit, bound=_bound(key))
    figure = f"{_WORDS[key]} {value:.4g}{' dB' if key == 'snr_db' else ''}{_worst_output(key, parity)}"
    return judge(
        target.name,
        _METRICS[key],
        value,
        _UNITS.get(key, "1"),
        limit=limit,
        bound=_bound(key),
        reason=f"{figure} {_where(parity)}",
    )


def _bound(key: str) -> Bound:
    return "at least" if key in ("snr_db", "cosine", "top1_agreement") else "at most"


def _value(key: str, parity: Parity) -> float | None:
    if key == "snr_db":
        return math.inf if parity.snr_db is None else parity.snr_db
    value: float | None = getattr(parity, key)
    return value


def _worst_output(key: str, parity: Parity) -> str:
    """Which of several outputs a signal-to-noise ratio is of."""
    if key != "snr_db" or len(parity.outputs) < 2:
        return ""
    worst = min(parity.outputs, key=lambda output: math.inf if output.snr_db is None else output.snr_db)
    return f" of output {worst.name}"


def _accuracy(target: Target, key: str, limit: float, parity: Parity, strict: bool) -> Verdict:
    """A drop in points, with the confidence interval of the paired difference."""
    metric, count = _METRICS[key], key[3]
    lost, gained = getattr(parity, f"top{count}_lost"), getattr(parity, f"top{count}_gained")
    before, after = getattr(parity, f"source_top{count}"), getattr(parity, f"top{count}")
    if parity.classes is None and before is None:
        return not_checked(target.name, metric, "points", "the output is not one of class scores", limit=limit)
    if lost is None or gained is None or before is None or after is None:
        return not_checked(target.name, metric, "points", "no labels were given: --evaluation", limit=limit)
    chance = _chance(parity)
    if chance:
        return not_checked(target.name, metric, "points", chance, limit=limit)
    drop = Interval(*(round(100 * part, 9) for part in paired_drop(lost, gained, parity.samples)))
    undecided = drop.low <= limit < drop.high
    reason = (
        f"top-{count} {100 * after:.2f} % against the source's {100 * before:.2f} %, the drop is "
        f"{drop.low:.2f} to {drop.high:.2f} points with 95 % confidence {_where(parity)}"
    )
    if undecided:
        reason += f"; {parity.samples} examples do not decide this limit{_coarse(parity, limit)}: give more"
    if undecided and strict and drop.value <= limit:
        return not_checked(target.name, metric, "points", reason, limit=limit)
    return judge(target.name, metric, drop.value, "points", limit=limit, bound="at most", reason=reason)


def _coarse(parity: Parity, limit: float) -> str:
    one = 100 / parity.samples
    return f", of which one alone is {one:.2g} points" if one > limit else ""


def _chance(parity: Parity) -> str:
    """Why accuracy says nothing, where the source guesses; empty when it does not."""
    if parity.classes is None or parity.source_top1 is None:
        return ""
    if not at_chance(round(parity.source_top1 * parity.samples), parity.samples, 1 / parity.classes):
        return ""
    return (
        f"the source itself is right on {100 * parity.source_top1:.2f} % of {parity.samples} examples, as guessing one "
        f"of {parity.classes} classes may be: look at --mean and --std, the labels and their order, and --color-order"
    )


def _where(parity: Parity) -> str:
    examples = "example" if parity.samples == 1 else "examples"
    return f"on {parity.samples} {examples} of {parity.data} in {parity.evaluator}"


def parity_warnings(parities: Sequence[Parity], verdicts: Sequence[Verdict]) -> list[str]:
    """What passed and was not decided: accuracy limits at their sample, outputs that hardly change on made-up data."""
    undecided = [
        f"{verdict.metric}: {verdict.reason}"
        for verdict in verdicts
        if verdict.metric.startswith(("accuracy.", "task."))
        and "do not decide" in verdict.reason
        and verdict.status is Status.PASSED
    ]
    still = [
        f"output {output.name} hardly changes {_where(parity)}, so that a network that ignores its input would pass: "
        "give --evaluation"
        for parity in parities
        if parity.drawn
        for output in _still(parity)
    ]
    return [*undecided, *still]
