"""The whole of a lab with this machine as its device: served, shown, measured on, refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.data.verdict import Status
from exporter.execution.lab.client import Lab
from exporter.execution.lab.connection import LabAddress
from exporter.execution.lab.security import is_loopback
from exporter.formats.tflite.settings import TfliteTarget
from exporter.use_cases.lab.collect import collect
from exporter.use_cases.lab.profile import check_lab, profile_target_in_lab
from exporter.use_cases.lab.status import status_of
from profilers.plan import ProfilePlan
from tests.conftest import RunCommand
from tests.contracts.executor import ends, until_true
from tests.exporter.execution.clusters import ROOT

pytestmark = pytest.mark.slow
INVENTORY = 'schema_version = 1\n[devices.local]\nlabels = ["desk"]\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lab of this machine; the scheduler's address."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "inventory.toml").write_text(INVENTORY)
    program = [sys.executable, "-P", "-c", "from exporter.cli.main import main; main()"]
    options = ["lab", "serve", "--listen", "127.0.0.1:0", "--host", "here", "--state", str(folder / "state")]
    with (folder / "said").open("wb") as said:
        serving = subprocess.Popen(
            [*program, *options], cwd=folder, stderr=said, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    words = folder / "said"
    until_true(lambda: "local@here joins" in words.read_text() or serving.poll() is not None)
    assert serving.poll() is None, words.read_text()
    started = [one.pid for one in psutil.Process(serving.pid).children(recursive=True)]
    assert len(started) >= 3
    yield words.read_text().partition("The lab is at ")[2].partition(": give")[0]
    serving.send_signal(signal.SIGINT)
    assert serving.wait(30) == 130
    assert all(map(ends, started))


def status(mobile_export: RunCommand, address: str) -> dict[str, Any]:
    done = mobile_export("lab", "status", "--scheduler", address, "-f", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_profile_in_a_lab_is_as_one_here(served: str, mobile_export: RunCommand, shared: Path) -> None:
    """By its labels; the same data, under its own name and host, with the state of the lab before and after."""
    with closing(Lab(LabAddress(served), Silent())) as lab:
        until_true(lambda: [one.state for one in status_of(lab).devices] == ["ready"])
    (device,) = status(mobile_export, served)["devices"]
    assert (device["name"], device["state"], device["labels"]) == ("local@here", "ready", ["desk"])
    model = shared / "models" / "vww_96_int8.tflite"
    there = ("--scheduler", served, "--device", "label=desk")
    done = mobile_export("profile", model, "--quick", *there, "-f", "json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["profiles"]
    assert found["device"] == found["result"]["device"]["serial"] == "local@here"
    assert found["lab"]["host"] == "here"
    assert found["result"]["artifact"] == str(model)
    assert {reading["device"] for reading in found["result"]["readings"]} == {"local@here"}
    assert "process 1 of 1" in done.stderr
    again = mobile_export("lab", "collect", found["lab"]["job"], "--scheduler", served, "-f", "json")
    assert again.returncode == 0, again.stderr
    kept = json.loads(again.stdout)["profiles"][0]
    assert kept["result"]["readings"] == found["result"]["readings"]
    known = closing(Lab(LabAddress(served), Silent()))
    with known as lab, pytest.raises(UsageProblem, match="no host of the lab knows the job 0000"):
        collect(lab, "0" * 32)


def test_a_run_s_artifact_is_measured_in_a_lab_and_judged(served: str, shared: Path) -> None:
    """By the target's budgets, on the host; what fits no target is refused before the long work."""
    target = TfliteTarget.model_validate(
        {"name": "board", "format": "tflite", "minimum_os": "Android 12", "budgets": {"peak_memory": "1 B"}}
    )
    at, plan = LabAddress(served), ProfilePlan.desk_check()
    assert check_lab(["label=desk", "all"], [target], at, Silent()) == {"board": ("label=desk", "all")}
    with pytest.raises(UsageProblem, match=r"no device of the lab meets ios>=18\. There are: local@here"):
        check_lab(["ios>=18"], [target], at, Silent())
    model = shared / "models" / "vww_96_int8.tflite"
    (found,) = profile_target_in_lab(target, model, ["label=desk"], plan, at, Silent())
    assert found.error is None
    assert found.lab is not None
    (memory,) = (one for one in found.verdicts if one.metric == "memory.peak")
    assert (memory.subject, memory.status) == ("board on local@here", Status.NOT_CHECKED)
    assert "which is no device of board" in memory.reason


def test_beyond_this_machine_certificates_are_wanted(mobile_export: RunCommand, tmp_path: Path) -> None:
    """Before anything listens."""
    done = mobile_export("lab", "serve", "--listen", "10.255.255.1:8786", "--state", tmp_path / "state")
    assert done.returncode == 2
    assert "whoever reaches 10.255.255.1 could run code on every host of the lab" in done.stderr
    assert "mobile-export lab certificates FOLDER" in done.stderr
    assert not (tmp_path / "state").exists()
    wrong = mobile_export("lab", "serve", "--listen", "8786")
    assert (wrong.returncode, "write HOST:PORT" in wrong.stderr) == (2, True)
    missing = mobile_export("lab", "serve", "--listen", "10.255.255.1:8786", "--tls", tmp_path)
    assert (missing.returncode, "has no ca.pem, cert.pem, key.pem" in missing.stderr) == (2, True)
    named = mobile_export("lab", "serve", "--host", "a@b")
    assert (named.returncode, "a name without spaces" in named.stderr) == (2, True)


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False)],
)
def test_what_only_this_machine_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
