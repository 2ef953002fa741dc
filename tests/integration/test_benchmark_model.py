"""benchmark_model over adb: told apart by what it says of itself, read, and judged when its delegate did nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCommand
from tests.fakes.adbd import SERIAL, AdbdRig

RESULT = (
    "INFO: STARTING!\n{delegate}"
    "INFO: count=5 first=10 curr=11 min=9 max=12 avg=10.5 std=1 p5=9 median=10 p95=12\n\n"
    "INFO: count=50 first=2000 curr=2100 min=1900 max=2500 avg=2050 std=9 p5=1910 median=2040 p95=2400\n"
    "INFO: Inference timings in us: Init: 700, First inference: 10, Warmup (avg): 10.5, Inference (avg): 2050\n"
    "INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.5\n"
)
OPS = (
    "Operator-wise Profiling Info for Regular Benchmark Runs:\n=== Run Order ===\n"
    "\t[node type]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times called]\t[Name]\n"
    "\tCONV_2D\t1.5\t1.4\t70.0%\t70.0%\t0.000\t1\t[conv]:0\n\tSOFTMAX\t0.6\t0.6\t30.0%\t100.0%\t0.000\t1\t[softmax]:1\n\n"
)
SCRIPT = """#!/bin/sh
case "$*" in
  --help) echo 'usage: benchmark_model --graph=FILE --use_nnapi=false --use_gpu=false'; exit 1 ;;
  *--enable_op_profiling=true*) cat <<'END'
{ops}END
  ;;
  *) sleep 2; cat <<'END'
{result}END
esac
"""


@pytest.fixture
def profile(phone: AdbdRig, mobile_export: RunCommand, tmp_path: Path, model: Path) -> Any:
    """Profiles with a stand-in for the program, whose text is given."""

    def run(plan: str, delegate: str = "") -> tuple[int, dict[str, Any]]:
        program = tmp_path / "benchmark_model"
        program.write_text(SCRIPT.format(result=RESULT.format(delegate=delegate), ops=OPS))
        program.chmod(0o755)
        (tmp_path / "plan.toml").write_text(
            plan + "processes = 2\nsampling_interval_s = 0.1\nenergy_repeats = 0\ncool_down = false\n"
        )
        options = ("--benchmark-binary", program, "--plan", tmp_path / "plan.toml", "-f", "json")
        done = mobile_export("profile", model, "--device", SERIAL, *options)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)["profiles"][0]

    yield run
    assert phone.leftovers() == []


def test_summaries_and_operators(profile: Any) -> None:
    """One figure a process; what it does not tell is unavailable; operators come from a run of their own."""
    code, found = profile("op_profile = true\n")
    assert code == 0, found["error"]
    readings = {reading["metric"]: reading for reading in found["result"]["readings"]}
    assert readings["latency.p50"]["samples"] == [0.00204] * 2
    assert readings["latency.p95"]["samples"] == [0.0024] * 2
    assert all(1e5 < sample < 1e8 for sample in readings["memory.peak"]["samples"])
    assert all(0 <= sample < 1 for sample in readings["cpu_utilization"]["samples"])
    assert readings["memory.growth"]["samples"] == [2.5 * 2**20] * 2
    assert [(op["type"], op["mean_s"]) for op in found["result"]["ops"]] == [("CONV_2D", 0.0014), ("SOFTMAX", 0.0006)]


def test_delegate_that_did_nothing_fails(profile: Any) -> None:
    """GPU was asked for, the program says that the delegate took no node: a failed verdict, exit code 1."""
    line = "INFO: Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.\n"
    code, found = profile('accelerator = "gpu"\n', line)
    assert code == 1, found["error"]
    verdicts = {verdict["metric"]: verdict for verdict in found["verdicts"]}
    assert verdicts["accelerator"]["status"] == "failed"
    assert "ran on the CPU" in verdicts["accelerator"]["reason"]


def test_flag_that_was_ignored_is_an_error(profile: Any) -> None:
    """Another run than asked for is no measurement."""
    code, found = profile("", "WARN: Unconsumed cmdline flags: --max_secs=600\n")
    assert code == 3
    assert "--max_secs" in found["error"]
