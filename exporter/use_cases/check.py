"""Looks at a model's operators for every target, before anything is converted."""

from functools import partial

from exporter.config.targets import load_targets
from exporter.data.errors import MissingExtraError
from exporter.data.facts.checks import OperatorCheck, TargetCheck
from exporter.data.progress import Progress
from exporter.data.results.commands import CheckResult
from exporter.data.settings.target import Target
from exporter.data.verdict import exit_code
from exporter.execution.isolation import Trouble, attempt, hardest
from exporter.formats.session import ConversionSession
from exporter.gates.operators import operator_verdicts
from exporter.store.cache import open_cache
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest


def check(request: RunRequest, progress: Progress) -> CheckResult:
    """What each target makes of each operator, and verdicts on that.

    Args:
        request: the source, the targets and their routes.
        progress: shows what is being done.

    Raises:
        UsageProblem: no such model or target.
        ToolError: the model does not run, so that no target can have it.
    """
    targets = load_targets(request.target_names, user_file=request.targets_file, routes=request.routes)
    model = ModelAtHand(request, open_cache(request.cache_root, progress.note), progress)
    session = model.conversions(None)
    checks: list[TargetCheck] = []
    troubles: list[Trouble] = []
    for target in targets:
        with progress.stage(f"Checking {target.name}"):
            found = attempt(partial(_found, session, target))
        troubles += [found] if isinstance(found, Trouble) else []
        checks.append(_check(target, found))
    verdicts = [verdict for one in checks for verdict in operator_verdicts(one)]
    code = max(hardest(troubles), exit_code(verdicts, strict=request.strict))
    license_, notes = model.settings.license, model.description.notes
    return CheckResult(request.spec, tuple(checks), tuple(verdicts), code, license_, notes)


def _found(session: ConversionSession, target: Target) -> OperatorCheck | MissingExtraError:
    try:
        return session.check(target)
    except MissingExtraError as error:
        return error


def _check(target: Target, found: OperatorCheck | MissingExtraError | Trouble) -> TargetCheck:
    known = {"target": target.name, "format": target.format, "notes": _notes(target)}
    match found:
        case OperatorCheck():
            return TargetCheck(**known, found=found)
        case Trouble():
            return TargetCheck(**known, why_not=found.reason, failed=True)
        case _:
            return TargetCheck(**known, why_not=str(found))


def _notes(target: Target) -> tuple[str, ...]:
    if target.recipe is None:
        return ()
    return (f"the model is looked at as it is, without what recipe {target.recipe} makes of it",)
