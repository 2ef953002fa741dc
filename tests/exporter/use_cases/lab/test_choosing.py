"""What `--device` means in a lab; and a measurement is the lab's by its name and host."""

from datetime import UTC, datetime
from typing import Any

import pytest

from device_harness.facts import DeviceInfo
from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import DeviceProfile
from exporter.data.lab import LabDevice, LabPlace, LabReport
from exporter.data.verdict import Status, Verdict
from exporter.execution.lab.connection import reports_in
from exporter.execution.lab.worker import METRIC
from exporter.formats.registry import format_named
from exporter.use_cases.lab.choosing import choose, shares
from exporter.use_cases.lab.measuring import placed
from profilers.plan import ProfilePlan
from profilers.result import ProfileResult
from tests.exporter import typical

TFLITE, COREML = format_named("tflite"), format_named("coreml")


def device(serial: str, host: str, os: str = "Android 14", **more: Any) -> LabDevice:
    info = DeviceInfo(serial=serial, kind="adb", os=os, model="Pixel 8")
    given = {"formats": ("tflite",), "labels": (), "state": "ready"} | more
    return LabDevice(name=f"{serial}@{host}", host=host, info=info, since=datetime.now(UTC), **given)


LAB = {
    one.name: one
    for one in (
        device("A", "one", labels=("desk",)),
        device("B", "one", os="Android 13", state="measuring"),
        device("emulator-5554", "one"),
        device("emulator-5554", "two"),
        device("C", "two", state="unauthorized", formats=("tflite",)),
        device("UDID", "two", os="iOS 18.1", formats=("coreml",)),
    )
}


def chosen(*asked: str) -> tuple[list[str | None], list[str]]:
    wanted, skipped = choose(asked, TFLITE, LAB)
    return [one.name for one in wanted], [one.device for one in skipped]


def test_devices_of_a_lab() -> None:
    assert chosen("A", "B@one") == (["A@one", "B@one"], [])
    assert chosen("all,android>=14") == (["A@one", "emulator-5554@one", "emulator-5554@two"], ["C@two"])
    assert chosen("all") == (["A@one", "B@one", "emulator-5554@one", "emulator-5554@two"], ["C@two"])
    (any_one,), _ = choose(["label=desk,host=one"], TFLITE, LAB)
    assert any_one.name is None
    assert [name for name, one in LAB.items() if any_one.means(one)] == ["A@one"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((), "a lab has many devices: say which with --device"),
        (("emulator-5554",), r"is on several hosts: say emulator-5554@one or emulator-5554@two\."),
        (("Z",), r"the lab has no device Z\. There are: A@one \(Pixel 8, Android 14\)"),
        (("local",), "local is this machine: leave --scheduler out"),
        (("UDID",), "UDID: a .tflite file runs on"),
        (("label=shelf",), r"no device of the lab meets label=shelf\. There are: A@one"),
        (("A", "serial=A@one", "A@one"), "--device names a device twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UsageProblem, match=reason):
        chosen(*asked)


def test_what_a_lab_tells_is_read_or_said_to_be_of_another_program() -> None:
    """Workers of Dask that measure nothing are none of it."""
    report = LabReport(host="one", program={"code": "1"}, devices=(LAB["A@one"],))
    workers = {"tls://a": report.model_dump_json(), "tls://b": '{"host": "two", "new": 1}', "tls://c": None}
    found = reports_in({"workers": {at: {"metrics": {METRIC: text} if text else {}} for at, text in workers.items()}})
    assert found == {"tls://a": report, "tls://b": LabReport(host="tls://b", program={})}


def test_each_target_gets_its_share() -> None:
    forms = {"android": TFLITE, "iphone": COREML}
    assert shares(["A", "ios>=18", "all"], forms, LAB) == {"android": ("A", "all"), "iphone": ("ios>=18", "all")}
    with pytest.raises(UsageProblem, match="the lab has no device Z"):
        shares(["A", "Z"], forms, LAB)


def test_a_profile_of_a_lab_is_under_the_name_that_the_device_has_there() -> None:
    """Everywhere in it, so that two phones that two hosts call alike are never one; readings are as they were."""
    reading = typical.reading(device="emulator-5554", samples=(0.1, 0.2))
    info = DeviceInfo(serial="emulator-5554", kind="adb")
    result = ProfileResult(
        artifact="m.tflite", sha256="0" * 64, device=info, plan=ProfilePlan(), readings=(reading,), warnings=("warm",)
    )
    verdict = Verdict(
        subject="m on emulator-5554", metric="outputs", value=None, unit="", status=Status.PASSED, reason="equal"
    )
    item = DeviceProfile(device="emulator-5554", result=result, verdicts=(verdict,), info=info)
    found = placed(item, "emulator-5554@two", LabPlace(host="two", job="j", cpu_share=0.2, beside=1))
    assert found.result is not None
    assert found.device == found.result.device.serial == found.result.readings[0].device == "emulator-5554@two"
    assert found.verdicts[0].subject == "m on emulator-5554@two"
    assert found.result.readings[0].samples == reading.samples
    busy = "its host two had 20% of its processors busy and 1 other job of the lab meanwhile"
    assert found.result.warnings == ("warm", busy)
    alone = placed(item, "x@two", LabPlace(host="two", job="j", cpu_share=0.2, beside=0))
    assert alone.result is not None
    assert alone.result.warnings == ("warm",)
