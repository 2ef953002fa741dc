"""Every command line that a session sends, exactly: they cannot be tried here; docs/apple.md says what was checked."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from device_harness.apple.app import AppDevice
from device_harness.apple.phone import AppleDevice
from device_harness.apple.pymobiledevice import PymobiledeviceDevice
from device_harness.apple.simulator import AppleSimulator
from tests.device_harness.apple.test_contract import ATTACHED, PHONE, SETTINGS, SIMULATOR
from tests.fakes.apple.stage import Stage

BUNDLE = "org.mobile-export.coreml-bench"
RECEIVE = "receive WORK/.part WORK/file 2 8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"


def devicectl(rest: str) -> str:
    return f"xcrun devicectl device {rest}"


def launch(arguments: str, options: str = "") -> str:
    return devicectl(
        f"process launch --device E5E85238 --terminate-existing{options} --json-output JSON {BUNDLE} -- {arguments}"
    )


COPY = f"--domain-type appDataContainer --domain-identifier {BUNDLE} --user mobile --json-output JSON"
LAUNCH_SIMCTL = f"xcrun simctl launch --terminate-running-process FA628127 {BUNDLE}"
LAUNCH_PMD3 = "pymobiledevice3 developer dvt launch"
UDID = "--udid 00008120-1E"
EXPECTED = {
    "devicectl": {
        launch("--session RUN -- clock"),
        launch(f"--session RUN -- {RECEIVE}"),
        launch("--session RUN -- /bin/true", ' --environment-variables {"A": "b c"}'),
        launch("--session RUN -- /bin/sleep 30"),
        launch("--remove WORK"),
        devicectl("info processes --device E5E85238 --json-output JSON"),
        devicectl("process terminate --device E5E85238 --pid PID --kill --json-output JSON"),
        devicectl(f"copy to --device E5E85238 --source HERE/file --destination WORK/.part {COPY}"),
        devicectl(f"copy from --device E5E85238 --source WORK/file --destination HERE/back {COPY}"),
        *(
            devicectl(f"copy from --device E5E85238 --source RUN/{name} --destination TEMP/{name} {COPY}")
            for name in ("exit", "stdout", "stderr")
        ),
    },
    "simctl": {
        "xcrun simctl get_app_container FA628127 " + BUNDLE + " data",
        f"{LAUNCH_SIMCTL} --session RUN -- clock",
        f"{LAUNCH_SIMCTL} --session RUN -- {RECEIVE}",
        f"{LAUNCH_SIMCTL} --session RUN -- /bin/true",
        f"{LAUNCH_SIMCTL} --session RUN -- /bin/sleep 30",
        f"{LAUNCH_SIMCTL} --remove WORK",
    },
    "pymobiledevice3": {
        f"{LAUNCH_PMD3} {BUNDLE} --session RUN -- clock {UDID}",
        f"{LAUNCH_PMD3} {BUNDLE} --session RUN -- {RECEIVE} {UDID}",
        f"{LAUNCH_PMD3} --env A=b c {BUNDLE} --session RUN -- /bin/true {UDID}",
        f"{LAUNCH_PMD3} {BUNDLE} --session RUN -- /bin/sleep 30 {UDID}",
        f"{LAUNCH_PMD3} {BUNDLE} --remove WORK {UDID}",
        f"pymobiledevice3 developer dvt process-id-for-bundle-id {BUNDLE} {UDID}",
        f"pymobiledevice3 developer dvt kill PID {UDID}",
        f"pymobiledevice3 apps push {BUNDLE} HERE/file WORK/.part {UDID}",
        f"pymobiledevice3 apps pull {BUNDLE} WORK/file HERE/back {UDID}",
        *(f"pymobiledevice3 apps pull {BUNDLE} RUN/{name} TEMP/{name} {UDID}" for name in ("exit", "stdout", "stderr")),
    },
}
OPENERS: dict[str, Callable[[], AppDevice]] = {
    "devicectl": lambda: AppleDevice(PHONE, SETTINGS),
    "simctl": lambda: AppleSimulator(SIMULATOR, SETTINGS),
    "pymobiledevice3": lambda: PymobiledeviceDevice(ATTACHED, SETTINGS),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_commands_of_a_session(stage: Stage, tmp_path: Path, kind: str) -> None:
    """Push, pull, run with a variable, start, kill, close."""
    (tmp_path / "file").write_text("hi")
    with OPENERS[kind]() as device:
        device.push(tmp_path / "file", "file")
        device.pull(f"{device.workspace}/file", tmp_path / "back")
        device.run(["/bin/true"], timeout_s=30, env={"A": "b c"})
        device.start(["/bin/sleep", "30"]).kill()
        workspace = device.workspace
    sent = set()
    for call in stage.calls():
        line = " ".join(call).replace(str(tmp_path), "HERE").replace(workspace, "WORK")
        line = re.sub(r"WORK/\.run-[0-9]+", "RUN", line)
        line = re.sub(r"--json-output \S+", "--json-output JSON", line)
        line = re.sub(r"\S+/(exit|stdout|stderr)(?= --domain| --udid)", r"TEMP/\1", line)
        line = re.sub(r"RUN/(\w+) RUN/\1", r"RUN/\1 TEMP/\1", line)
        sent.add(re.sub(r"((?:--pid|dvt kill) )[0-9]+", r"\1PID", line))
    assert sent == EXPECTED[kind]
