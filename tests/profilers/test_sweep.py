"""Settings of a sweep, and the kinds of CPUs that they name."""

import pytest

from profilers.cores import groups_of
from profilers.plan import ProfilePlan
from profilers.readings import CoreGroup
from profilers.sweep import cpus_named, settings_of

SYSFS = "/sys/devices/system/cpu"
CAPACITIES = {f"{SYSFS}/cpu{cpu}/cpu_capacity": str(value) for cpu, value in enumerate([250] * 4 + [760] * 3 + [1024])}
PIXEL = groups_of({f"{SYSFS}/online": "0-7", **CAPACITIES})


def test_kinds_of_cpus_by_capacity() -> None:
    assert [(group.name, group.cpus) for group in PIXEL] == [
        ("little", (0, 1, 2, 3)),
        ("middle", (4, 5, 6)),
        ("big", (7,)),
    ]


def test_kinds_of_cpus_by_frequency_where_the_kernel_rates_none() -> None:
    most = {f"{SYSFS}/cpu{cpu}/cpufreq/cpuinfo_max_freq": str(value) for cpu, value in enumerate((2850000, 1800000))}
    found = groups_of({f"{SYSFS}/online": "0-1", **most})
    assert [(group.name, group.cpus, group.max_hz) for group in found] == [
        ("little", (1,), 1.8e9),
        ("big", (0,), 2.85e9),
    ]


def test_cpus_that_are_alike_have_no_names() -> None:
    assert groups_of({f"{SYSFS}/online": "0-1"}) == (CoreGroup(name="all", cpus=(0, 1)),)
    assert groups_of({}) == ()


def test_every_combination_is_a_setting() -> None:
    found = settings_of(["threads=1,2", "cpus=big,0-1+4"])
    assert [one.title for one in found] == [
        "threads=1 cpus=big",
        "threads=1 cpus=0-1+4",
        "threads=2 cpus=big",
        "threads=2 cpus=0-1+4",
    ]
    plan = found[3].plan(ProfilePlan.desk_check(), PIXEL)
    assert (plan.threads, plan.cpus, plan.quick) == (2, (0, 1, 4), True)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["threads=0,1"], "'0'"),
        (["threads=1,,2"], "''"),
        (["threads=1,1"], "twice"),
        (["threads=1,2", "threads=3,4"], "twice"),
        (["accelerator=cpu,dsp"], "'dsp'"),
        (["fans=1,2"], "threads=1,2,4"),
        (["threads=1"], "1 settings"),
        (["threads=1,2,3,4,5", "cpus=0,1,2,3,4"], "25 settings"),
    ],
)
def test_what_is_no_sweep_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings_of(texts)


@pytest.mark.parametrize("text", ["huge", "8", "6-9", "all-1"])
def test_cpus_that_are_not_there_are_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"little \(0,1,2,3\)"):
        cpus_named(text, PIXEL)
