"""Plans: defaults, files, errors."""

from pathlib import Path

import pytest

from profilers.plan import ProfilePlan, load_plan


def test_quick_plans_are_marked() -> None:
    """A desk check is never comparable with a full one."""
    assert ProfilePlan.desk_check().conditions()["quick"] == "true"
    assert ProfilePlan().conditions()["quick"] == "false"
    assert ProfilePlan.desk_check().conditions() != ProfilePlan().conditions()


def test_file_with_changes_over_it(tmp_path: Path) -> None:
    """The command line wins over the file."""
    path = tmp_path / "plan.toml"
    path.write_text("processes = 7\nruns = 9\n")
    plan = load_plan(path, processes=2)
    assert (plan.processes, plan.runs) == (2, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [("proceses = 7", "proceses"), ("runs = 0", "runs"), ("min_s = 700.0", "limit_s"), ("runs = ", "TOML|Invalid"),
     ("battery_percent = [80, 30]", "battery_percent")],
)  # fmt: skip
def test_errors_name_the_key(tmp_path: Path, text: str, words: str) -> None:
    """A mistyped key is no default."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        load_plan(path)
