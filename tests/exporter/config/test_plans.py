"""Profiling plans in files: what the command line says wins, and errors name their key."""

from pathlib import Path

import pytest

from exporter.config.plans import load_plan
from exporter.data.errors import UsageProblem


def test_file_with_changes_over_it(tmp_path: Path) -> None:
    """The command line wins over the file."""
    path = tmp_path / "plan.toml"
    path.write_text("processes = 7\nruns = 9\n")
    plan = load_plan(path, processes=2)
    assert (plan.processes, plan.runs) == (2, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("proceses = 7", "proceses: unknown setting; did you mean 'processes'"),
        ("runs = 0", "runs"),
        ("min_s = 700.0", "limit_s"),
        ("runs = ", "TOML syntax"),
        ("battery_percent = [80, 30]", "battery_percent"),
    ],
)
def test_errors_name_the_key(tmp_path: Path, text: str, words: str) -> None:
    """A mistyped key is no default."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=words):
        load_plan(path)
