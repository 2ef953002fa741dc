"""Three hosts with a real phone each and the real `lab serve`: network, scheduler and phone fail while all measure."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device_harness.runners.build import find_litert_library
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import LabDevice
from exporter.execution.lab.client import Lab
from exporter.execution.lab.connection import LabAddress
from exporter.formats.devices import RunnerChoice
from exporter.formats.registry import format_named
from exporter.use_cases.lab.profile import profile_in_lab
from exporter.use_cases.profile import ProfileRequest
from profilers.plan import ProfilePlan
from tests.contracts.executor import Written
from tests.exporter.execution.clusters import UnavailableError as NoNamespacesError
from tests.fakes.adbd import UnavailableError
from tests.fakes.lab import PhoneLab

pytestmark = pytest.mark.slow
PATIENCE_S = 240
NAMES = [f"127.0.0.1:15556@host-{number}" for number in range(3)]


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneLab]:
    try:
        lab = PhoneLab(tmp_path_factory.mktemp("lab"), hosts=3, phones=1)
    except (UnavailableError, NoNamespacesError) as error:
        pytest.skip(str(error))
    with closing(lab):
        yield lab


def address(phones: PhoneLab) -> LabAddress:
    return LabAddress(phones.address, phones.tls, patience_s=60)


def until(condition: Callable[[], bool], phones: PhoneLab) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, [host.process.errors_so_far()[-800:] for host in phones.hosts]
        time.sleep(0.1)


def devices(lab: Lab) -> dict[str, LabDevice]:
    lab.tend()
    return lab.devices


def processes_in(item: DeviceProfile) -> int:
    """How many processes its latency is of."""
    assert item.result is not None
    (latency,) = (one for one in item.result.readings if one.metric == "latency")
    assert latency.samples
    return len(latency.groups) or 1


class Measuring(threading.Thread):
    """Somebody who measures on every phone."""

    found: list[DeviceProfile]

    def __init__(self, request: ProfileRequest, at: LabAddress) -> None:
        super().__init__(daemon=True)
        self.progress = Written()
        self._request, self._at = request, at

    def run(self) -> None:
        self.found = profile_in_lab(self._request, ["all"], self._at, self.progress)

    def processes_of(self, number: int) -> int:
        return sum(f"127.0.0.1:15556: vww_96_int8.tflite, process {number} " in words for words in self.progress.told)


def test_what_fails_while_all_measure_costs_no_finished_reading(
    phones: PhoneLab, litert_bench: Path, model: Path
) -> None:
    """None is lost, none is another's, and none is taken twice; the phone that restarted says what it has."""
    plan = ProfilePlan(processes=3, runs=5, min_s=2.0, warmup_min_s=0.1, energy_repeats=0, cool_down=False)
    choice = RunnerChoice("litert_bench", binary=str(litert_bench), library=str(find_litert_library()))
    request = ProfileRequest(format_named("tflite"), [model], plan, choice)
    until(lambda: "joins" in phones.hosts[0].process.errors_so_far(), phones)
    with closing(Lab(address(phones), Written())) as lab:
        until(lambda: [one.state for one in devices(lab).values()] == ["ready"] * 3, phones)
        assert sorted(lab.devices) == NAMES
        assert {one.info.soc for one in lab.devices.values()} == {"Tensor G1"}
        measuring = Measuring(request, address(phones))
        measuring.start()
        until(lambda: measuring.processes_of(2) == 3, phones)
        phones.hosts[2].phones[0].reboot()
        phones.network.cut(1)
        time.sleep(2.0)
        phones.hosts[0].process_with("exporter.execution.lab.scheduler").kill()
        time.sleep(2.0)
        phones.network.mend(1)
        phones.hosts[2].phones[0].connect()
        measuring.join(PATIENCE_S)
        assert [item.device for item in measuring.found] == NAMES
        whole, cut, restarted = measuring.found
        for number, item in enumerate((whole, cut)):
            assert item.error is None
            assert item.result is not None
            assert item.lab is not None
            assert (item.lab.host, item.result.device.serial) == (f"host-{number}", NAMES[number])
            assert processes_in(item) == 3
        assert restarted.error is not None
        assert restarted.result is not None, restarted.error
        assert 1 <= processes_in(restarted) <= 2
        assert "finished and are kept" in restarted.error
        jobs = [list((host.folder / "state" / "jobs").iterdir()) for host in phones.hosts]
        assert [len(found) for found in jobs] == [1, 1, 1]
        until(lambda: devices(lab).keys() == set(NAMES) and lab.devices[NAMES[2]].state == "ready", phones)
    for host in phones.hosts:
        assert host.phones[0].leftovers() == []
