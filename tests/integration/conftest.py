"""The real adbd as an Android phone that discharges at 50 %, cool, with its screen on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_harness.runners.build import build_litert_bench
from device_harness.runners.platforms import host_platform
from tests.conftest import RunCommand
from tests.fakes.adbd import PROJECT, SERIAL, AdbdRig, UnavailableError, adbd_rig
from tests.fakes.lab import BATTERY, THERMAL
from tests.integration.profiling import PLAN, programs

GETPROP = "[ro.build.version.release]: [14]\n[ro.product.model]: [Pixel 8]\n[ro.soc.model]: [Tensor G3]\n"


@pytest.fixture(scope="session")
def phone_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbdRig]:
    """A real adbd with Android's answers, or a skip that says why there is none."""
    try:
        with adbd_rig(tmp_path_factory.mktemp("phone")) as rig:
            yield rig
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def phone(phone_rig: AdbdRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdbdRig]:
    """The phone with its normal answers and no fault; `adb` on PATH leads to it."""
    phone_rig.connect()
    (phone_rig.folder / "fault").write_text("none\n")
    for name in (phone_rig.folder / "replies").iterdir():
        name.unlink()
    (phone_rig.folder / "calls").unlink(missing_ok=True)
    phone_rig.reply("getprop", GETPROP)
    phone_rig.reply("dumpsys battery", BATTERY)
    phone_rig.reply("dumpsys thermalservice", THERMAL)
    phone_rig.reply("dumpsys power", "mWakefulness=Awake\n")
    phone_rig.reply("settings get global stay_on_while_plugged_in", "3\n")
    for command in (
        "settings put global stay_on_while_plugged_in 0",
        "settings put global stay_on_while_plugged_in 3",
        "input keyevent 223",
        "input keyevent 224",
    ):
        phone_rig.reply(command, "")
    monkeypatch.setenv("PATH", str(phone_rig.adb.parent), prepend=":")
    yield phone_rig
    shutil.rmtree(phone_rig.folder / "sys" / "bus", ignore_errors=True)


@pytest.fixture
def iio_rail(phone: AdbdRig) -> Iterator[None]:
    """A power rail in sysfs."""
    folder = phone.folder / "sys" / "bus" / "iio" / "devices" / "iio:device0"
    folder.mkdir(parents=True)
    script = Path(__file__).parents[1] / "fakes" / "power_rail.py"
    feeder = subprocess.Popen(
        [sys.executable, str(script), "iio", str(folder / "energy_value")],
        env={**os.environ, "FAKE_ANDROID": str(phone.folder)},
    )
    try:
        while not (folder / "energy_value").exists():
            assert feeder.poll() is None
        yield
    finally:
        feeder.kill()
        feeder.wait()


@pytest.fixture
def perfetto_rail(phone: AdbdRig) -> None:
    """A power rail behind perfetto."""
    script = Path(__file__).parents[1] / "fakes" / "power_rail.py"
    reply = phone.folder / "replies" / "perfetto"
    reply.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} {script} perfetto "$@"\n')
    reply.chmod(0o755)


@pytest.fixture(scope="session")
def litert_bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The native runner for this machine, which the rig runs on."""
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("CMake or a C compiler is not installed")
    return build_litert_bench(host_platform(), folder=tmp_path_factory.mktemp("runner"))


@pytest.fixture
def model(shared: Path) -> Path:
    """A small int8 model."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed (extra `litert`)")
    return shared / "models" / "vww_96_int8.tflite"


@pytest.fixture
def profile(mobile_export: RunCommand, tmp_path: Path, litert_bench: Path, model: Path) -> Any:
    """Runs `profile` on the phone and returns exit code and document."""

    def run(*options: str, plan: str = PLAN) -> tuple[int, dict[str, Any], str]:
        (tmp_path / "plan.toml").write_text(plan)
        where = ("--device", SERIAL, "--plan", tmp_path / "plan.toml")
        done = mobile_export("profile", model, *where, *programs(litert_bench), "-f", "json", *options)
        document = json.loads(done.stdout) if done.stdout else {"profiles": []}
        return done.returncode, document, done.stderr + str([item["error"] for item in document["profiles"]])

    return run
