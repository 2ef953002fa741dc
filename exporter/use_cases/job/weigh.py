"""What the artifact's file itself shows, and what it weighs."""

from dataclasses import replace

from exporter.data.facts.sizes import Measurement
from exporter.execution.isolation import Trouble, attempt
from exporter.sizes.measure import measure
from exporter.sizes.packaging import Options
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.work import TargetWork


def weigh(model: ModelAtHand, work: TargetWork) -> TargetWork:
    """`work` with its file's facts and bytes; what cannot be had is not known, and that is its trouble."""
    shown = attempt(lambda: work.made.facts.shown or work.format.file_facts(work.made.path))
    seen = work.struck(shown) if isinstance(shown, Trouble) else replace(work, shown=shown)
    return _with_download(_with_size(seen))


def _with_size(work: TargetWork) -> TargetWork:
    """With its bytes as written, under the target's budgets."""
    target = work.target
    budgets = {"size": target.budgets.size, "download": target.budgets.download}
    weight = Measurement(
        subject=target.name,
        target=target.name,
        kind=target.format,
        size_bytes=work.made.facts.inspection.size_bytes,
        install=None,
        download=None,
        limits={metric: limit for metric, limit in budgets.items() if limit is not None},
    )
    return replace(work, weight=weight)


def _with_download(work: TargetWork) -> TargetWork:
    """With what it adds to a store's download, where a budget asks for it."""
    weight = work.weight
    if weight is None or "download" not in weight.limits:
        return work
    found = attempt(lambda: measure(work.made.path, Options())[0])
    if isinstance(found, Trouble):
        unavailable = f"it could not be measured: {found.reason}"
        return work.struck(found, weight=weight.model_copy(update={"unavailable": unavailable}))
    whose = {"subject": weight.subject, "target": weight.target, "limits": weight.limits}
    return replace(work, weight=found.model_copy(update=whose))
