"""What a device may be held back by, before a run and while it lasts."""

import pytest

from profilers.conditions.conditions import Conditions, cpus_of, held_back, throttled
from profilers.parse.android.thermal import ThermalState
from profilers.parse.linux.sampler import Sample
from profilers.watch.monitor import ONLINE_FILE, SERVICE

LIMIT = "/sys/devices/system/cpu/cpu7/cpufreq/scaling_max_freq"
COOL = Conditions(
    thermal=ThermalState(status=0, sensors=()),
    limits_hz={"cpu0": 1.8e9, "cpu7": 2.9e9},
    maxima_hz={"cpu0": 1.8e9, "cpu7": 2.9e9},
    online=frozenset(range(8)),
)
HOT = COOL._replace(thermal=ThermalState(status=3, sensors=()))


def during(**texts: str) -> list[Sample]:
    paths = {"limit": LIMIT, "online": ONLINE_FILE, "service": SERVICE}
    return [Sample(1.0, {}), Sample(2.0, {paths[name]: text for name, text in texts.items()}), Sample(3.0, {})]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (during(service="  Thermal Status: 2\n"), "the thermal status rose from 0 to 2"),
        (during(limit="1200000\n"), "cpu7 was limited from 2900 to 1200 MHz"),
        (during(online="0-3,5\n"), "cpu4, cpu6, cpu7 was switched off"),
        (during(limit="2900000\n", online="0-7\n", service="Thermal Status: 0\n"), None),
        (during(limit="nonsense\n", online="all\n", service="garbled"), None),
    ],
)
def test_what_happens_during_a_run_counts(samples: list[Sample], words: str | None) -> None:
    """Also where all is well again when it ends."""
    assert throttled(COOL, COOL, samples) == words


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (COOL, []),
        (HOT, ["the device is throttling already (thermal status 3)"]),
        (COOL._replace(limits_hz={"cpu0": 1.8e9, "cpu7": 1.2e9}), ["cpu7 may run at 1200 of 2900 MHz only"]),
        (COOL._replace(limits_hz={"cpu0": 1.7e9, "cpu7": 1.2e9}), ["cpu7 and 1 more may run at 1200 of 2900 MHz only"]),
        (COOL._replace(offline=frozenset({6})), ["cpu6 is switched off"]),
        (Conditions(limits_hz={"cpu0": 1e9}), []),
    ],
)
def test_what_is_so_from_the_start_is_compared_with_the_maximum(conditions: Conditions, words: list[str]) -> None:
    assert held_back(conditions) == words
    assert throttled(conditions, conditions) is None


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-3,6", {0, 1, 2, 3, 6}), ("0", {0}), ("", None), ("0-", None), ("a", None)]
)
def test_lists_of_cpus(text: str, cpus: set[int] | None) -> None:
    assert cpus_of(text) == cpus
