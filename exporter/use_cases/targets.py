"""The use cases of `mobile-export targets`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.config.files import summaries, target_tables
from exporter.data.results.listings import TargetResult, TargetsCheckResult, TargetsResult

if TYPE_CHECKING:
    from exporter.data.settings.target import Target


def list_targets(targets_file: Path | None) -> TargetsResult:
    """Every target, unchecked, in the order of the files."""
    return TargetsResult(tuple(summaries(targets_file)))


def show_target(name: str, targets_file: Path | None) -> TargetResult:
    """One target with every setting.

    Raises:
        UsageProblem: an unknown name, or settings with errors.
    """
    from exporter.config.targets import load_targets

    return TargetResult(load_targets([name], user_file=targets_file)[0])


def check_targets(targets_file: Path | None) -> TargetsCheckResult:
    """What is wrong with each target: every error at once."""
    tables = target_tables(targets_file)
    return TargetsCheckResult({name: _problems(name, tables) for name in tables})


def _problems(name: str, tables: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    from exporter.config.targets import check_table

    found: Target | list[str] = check_table(name, tables)
    return tuple(found) if isinstance(found, list) else ()
