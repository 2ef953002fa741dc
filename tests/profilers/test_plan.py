"""Plans: what can be compared."""

from profilers.plan import ProfilePlan


def test_quick_plans_are_marked() -> None:
    """A desk check is never comparable with a full one."""
    assert ProfilePlan.desk_check().conditions()["quick"] == "true"
    assert ProfilePlan().conditions()["quick"] == "false"
    assert ProfilePlan.desk_check().conditions() != ProfilePlan().conditions()
