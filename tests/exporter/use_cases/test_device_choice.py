"""What `--device` comes to: `all` passes only what was measured; what was named is not dropped without a word."""

from typing import Any

import pytest

from device_harness.discovery import Listing, Problem, device_kinds
from device_harness.facts import DeviceInfo, DeviceState
from device_harness.finder import Found
from exporter.data.errors import UsageProblem
from exporter.data.settings.target import Target
from exporter.data.verdict import Status, exit_code
from exporter.formats.coreml.settings import CoremlTarget
from exporter.formats.format import Format
from exporter.formats.registry import format_named
from exporter.formats.tflite.settings import TfliteTarget
from exporter.gates.devices import device_verdicts
from exporter.use_cases.devices.choice import Selection, choose_devices, misfit, selections, unmeasured
from exporter.use_cases.profile import host_reason

TFLITE, COREML = format_named("tflite"), format_named("coreml")


def info(serial: str, kind: str = "adb", state: str = "ready", **more: Any) -> DeviceInfo:
    advice = None if state == "ready" else "unlock it"
    return DeviceInfo(serial=serial, kind=kind, state=DeviceState(state), advice=advice, **more)


def listing(*infos: DeviceInfo, problems: tuple[Problem, ...] = ()) -> Listing:
    return Listing(tuple(Found(one, open=lambda: pytest.fail("it was opened")) for one in infos), problems)


NO_ADB = Problem("adb", (device_kinds()["adb"],), "it is not installed: Android devices are not listed")
HERE, MAC = info("local", "local"), info("mac", "mac", os="macOS 15.2")
PHONE, LOCKED = info("PHONE", model="Pixel 8"), info("LOCKED", state="unauthorized", model="Galaxy")
IPHONE = info("UDID", "ios", model="iPhone 15", facts={"name": "Ada's iPhone"})
ANDROID = TfliteTarget.model_validate(
    {"name": "android", "format": "tflite", "minimum_os": "Android 12", "budgets": {"latency_p50": "10 ms"}}
)
IOS = CoremlTarget.model_validate({"name": "ios", "format": "coreml", "minimum_os": "iOS 18"})
MACOS = CoremlTarget.model_validate({"name": "mac", "format": "coreml", "minimum_os": "macOS 15"})


def chosen(asked: tuple[str, ...], *infos: DeviceInfo) -> Selection:
    return choose_devices(asked, TFLITE, lambda: listing(*infos))


def test_all_is_every_listed_device_and_never_this_machine() -> None:
    """This machine would pass in the place of a phone that is locked."""
    found = chosen(("all",), HERE, PHONE, LOCKED, IPHONE)
    assert found.serials == ("PHONE",)
    assert [item.device for item in found.skipped] == ["LOCKED"]
    assert found.skipped[0].reason == "LOCKED (Galaxy) is unauthorized: unlock it."
    assert chosen(("all", "local", "PHONE"), HERE, PHONE, LOCKED).serials == ("local", "PHONE")
    assert chosen((), HERE, PHONE).serials == ("local",)


@pytest.mark.parametrize(
    ("infos", "form", "target", "serials"),
    [
        ([MAC, IPHONE], COREML, None, ("UDID",)),
        ([MAC, IPHONE], COREML, IOS, ("UDID",)),
        ([MAC, IPHONE], COREML, MACOS, ("mac", "UDID")),
        ([HERE, PHONE], TFLITE, ANDROID.model_copy(update={"device": "local"}), ("local", "PHONE")),
    ],
)
def test_this_machine_counts_only_where_the_target_stands_for_it(
    infos: list[DeviceInfo], form: Format, target: Target | None, serials: tuple[str, ...]
) -> None:
    assert choose_devices(("all",), form, lambda: listing(*infos), target=target).serials == serials


def test_all_of_nothing_is_said() -> None:
    """With no device at all, nothing was measured: not checked, with what kept devices from being listed."""
    problems = (NO_ADB, Problem("devicectl", (device_kinds()["ios"],), "no Xcode"))
    found = choose_devices(("all",), TFLITE, lambda: listing(HERE, IPHONE, problems=problems))
    assert found.serials == ()
    assert [item.device for item in found.skipped] == ["all"]
    assert "adb: it is not installed" in found.skipped[0].reason
    assert "Xcode" not in found.skipped[0].reason


def test_a_tool_that_failed_beside_devices_is_said() -> None:
    """A second way to devices that broke may hide some."""
    problems = (Problem("devicectl", (device_kinds()["ios"],), "it hangs"), NO_ADB)
    found = choose_devices(("all",), COREML, lambda: listing(HERE, IPHONE, problems=problems))
    assert found.serials == ("UDID",)
    assert [item.reason for item in found.skipped] == ["some may be missing: devicectl: it hangs"]


def test_two_devices_with_one_serial_are_both_shown() -> None:
    twins = (info("SAME", state="unavailable"), info("SAME", state="unavailable"))
    assert [item.device for item in chosen(("all",), HERE, PHONE, *twins).skipped] == ["SAME", "SAME"]


def test_a_device_named_twice_is_refused() -> None:
    with pytest.raises(UsageProblem, match="twice"):
        chosen(("PHONE", "PHONE"), PHONE)


def test_a_phone_by_cable_and_by_wi_fi_is_one_device() -> None:
    """Both of its serials name it; it is measured once."""
    both = info("USB", also=("192.168.1.7:5555",))
    assert chosen(("all",), HERE, both).serials == ("USB",)
    assert chosen(("192.168.1.7:5555", "all"), HERE, both).serials == ("192.168.1.7:5555",)
    with pytest.raises(UsageProblem, match="twice"):
        chosen(("USB", "192.168.1.7:5555"), HERE, both)


def test_what_is_not_ready_is_not_checked_and_fails_a_strict_run() -> None:
    """In the verdicts, so that every report and exit code has it."""
    (skipped,) = chosen(("all",), HERE, LOCKED).skipped
    profile = unmeasured("android", skipped)
    (verdict,) = profile.verdicts
    assert (verdict.status, verdict.subject, verdict.metric) == (Status.NOT_CHECKED, "android on LOCKED", "device")
    assert "unlock it" in verdict.reason
    assert exit_code(profile.verdicts, strict=False) == 0
    assert exit_code(profile.verdicts, strict=True) == 1
    metrics = {one.metric for one in device_verdicts(ANDROID.name, ANDROID.budgets, [profile])}
    assert metrics == {"device", "latency.p50"}, "a budget is not forgotten because its device is locked"


@pytest.mark.parametrize(
    ("name", "targets", "words"),
    [
        ("nosuch", [ANDROID], "there is no device nosuch"),
        ("UDID", [ANDROID], "UDID is an Apple device .iPhone 15.: a .tflite file runs on"),
        ("PHONE", [IOS], "PHONE is a device behind adb .Pixel 8.: a Core ML model runs on"),
        ("local", [IOS], "local is this machine: a Core ML model runs on"),
    ],
)
def test_a_device_that_fits_no_target_is_refused_in_words(name: str, targets: list[Target], words: str) -> None:
    """Before the long work, and not dropped."""
    with pytest.raises(UsageProblem, match=words):
        selections([name], targets, listing(HERE, PHONE, IPHONE))


def test_each_target_gets_the_devices_that_run_it() -> None:
    """By serial or by an Apple device's name; another target's device is no matter."""
    found = selections(["PHONE", "Ada's iPhone", "local"], [ANDROID, IOS], listing(HERE, PHONE, IPHONE))
    assert found["android"].serials == ("PHONE", "local")
    assert found["ios"].serials == ("Ada's iPhone",)
    assert selections(["PHONE"], [ANDROID, IOS], listing(HERE, PHONE))["ios"] == Selection(())


def test_on_a_mac_this_machine_runs_core_ml() -> None:
    infos = [HERE, MAC]
    assert misfit("local", COREML, infos) is None
    assert selections(["local"], [MACOS], listing(*infos))["mac"].serials == ("local",)


@pytest.mark.parametrize(
    ("device", "target", "foreign"),
    [
        (HERE, ANDROID, True),
        (MAC, IOS, True),
        (MAC, MACOS, False),
        (PHONE, ANDROID, False),
        (IPHONE, IOS, False),
        (HERE, None, False),
        (HERE, ANDROID.model_copy(update={"device": "local"}), False),
    ],
)
def test_a_phone_s_budget_is_not_judged_on_this_machine(
    device: DeviceInfo, target: Target | None, foreign: bool
) -> None:
    """Unless the target itself says that this machine is what it stands for."""
    assert bool(host_reason(device, target)) == foreign


@pytest.mark.parametrize(("device", "serials"), [("OTHER", ("OTHER",)), ("Pixel 8", ("PHONE",)), ("GONE", ())])
def test_a_target_for_one_device_is_measured_on_it_alone(device: str, serials: tuple[str, ...]) -> None:
    """A budget for one phone is not judged by another that is plugged in."""
    target = ANDROID.model_copy(update={"device": device})
    both = listing(PHONE, info("OTHER", model="Galaxy"))
    found = choose_devices(("all",), TFLITE, lambda: both, target=target)
    assert found.serials == serials
    said = "".join(item.reason for item in found.skipped)
    assert ("no device 'GONE', which the target is for, is listed" in said) == (not serials)
    assert choose_devices(("PHONE",), TFLITE, lambda: both, target=target).serials == ("PHONE",)


def test_conditions_mean_one_device_that_is_ready_or_with_all_every_one() -> None:
    """Never this machine, unless it is asked for; those that are not ready are said."""
    pixels = (HERE, LOCKED, info("A", os="Android 13"), info("B", os="Android 14"), info("C", os="Android 15"))
    assert chosen(("android>=14",), *pixels).serials == ("B",)
    assert chosen(("B", "android>=14"), *pixels).serials == ("B", "C")
    assert chosen(("android>=14", "android>=13"), *pixels).serials == ("B", "A")
    every = chosen(("all,kind=adb",), *pixels)
    assert every.serials == ("A", "B", "C")
    assert [item.device for item in every.skipped] == ["LOCKED"]
    assert chosen(("model=galaxy",), *pixels).serials == ()
    assert chosen(("kind=local",), *pixels).serials == ("local",)
    with pytest.raises(UsageProblem, match=r"no device meets android>=16. There are: local \(local, system unknown\)"):
        chosen(("android>=16",), *pixels)
    with pytest.raises(UsageProblem, match="no device meets android=14"):
        chosen(("B", "android=14"), *pixels)
    with pytest.raises(UsageProblem, match=r"label=desk: label is known of a lab's devices: give its --scheduler\."):
        chosen(("label=desk",), *pixels)


def test_conditions_reach_the_targets_that_their_devices_run() -> None:
    there = listing(HERE, info("A", os="Android 14"), info("U", "ios", os="iOS 18.1"))
    found = selections(["android>=14", "ios>=18"], [ANDROID, IOS], there)
    assert {name: one.serials for name, one in found.items()} == {"android": ("A",), "ios": ("U",)}
    with pytest.raises(UsageProblem, match="no device meets ios>=19"):
        selections(["ios>=19"], [ANDROID], there)
