"""Captured outputs of real tools parse to the values that a person reads in them, or are refused with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import UnreadableOutputError
from profilers.parse.android.battery import parse_batterystats, parse_dumpsys_battery, parse_power_supply
from profilers.parse.android.rails import parse_odpm, parse_perfetto
from profilers.parse.android.thermal import parse_thermalservice
from profilers.parse.linux.proc import parse_process_stat
from profilers.parse.litert.benchmark_model import parse_benchmark_text
from profilers.parse.litert.op_profile import parse_op_table

MIB = 2**20

BENCHMARKS: dict[str, dict[str, Any]] = {
    "benchmark_model_2018_contrib_lite_b.txt": {
        "count": 15,
        "mean_s": 0.0667676,
        "min_s": 0.066699,
        "max_s": 0.066838,
        "std_s": 39e-6,
        "init_s": 0.009933,
        "warmup_count": 7,
        "warmup_mean_s": 0.0766059,
        "median_s": None,
        "footprint_bytes": None,
    },
    "benchmark_model_2020_tf2.3_opprofile_head.txt": {
        "count": 50,
        "mean_s": 0.0332094,
        "first_s": 0.04906,
        "init_s": 0.000855,
        "footprint_bytes": 12.8672 * MIB,
    },
    "benchmark_model_cpu_qrb2210.txt": {
        "family": "tflite",
        "count": 50,
        "mean_s": 0.105784,
        "median_s": 0.105718,
        "p5_s": 0.105485,
        "p95_s": 0.106281,
        "init_s": 0.087639,
        "warmup_count": 5,
        "footprint_bytes": 14.8164 * MIB,
        "delegation": None,
    },
    "benchmark_model_gpu_qrb2210.txt": {"mean_s": 0.115246, "delegation": "complete", "init_s": 1.361236},
    "benchmark_model_nnapi_synaptics_tail.txt": {
        "count": 520,
        "mean_s": 0.00188574,
        "max_s": 0.009925,
        "first_s": 0.637079,
        "warmup_count": None,
    },
    "benchmark_model_tf2.x_android_apk_logcat_oppo_a3x.txt": {
        "count": 10,
        "mean_s": 2.71985,
        "median_s": 2.709263,
        "p95_s": 3.025403,
        "warmup_count": 1,
        "footprint_bytes": 337 * MIB,
    },
    "benchmark_model_v2.8_cpu_opprofile_riscv_qemu.txt": {
        "count": 50,
        "mean_s": 2.95034,
        "std_s": 0.109798,
        "median_s": None,
        "footprint_bytes": 46.0859 * MIB,
    },
    "litert_benchmark_py_2.3.0_stdout.txt": {
        "family": "litert-python",
        "count": 50,
        "max_s": 1e-5,
        "init_s": 1.81e-3,
        "fully_accelerated": False,
        "warmup_count": 5,
    },
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_model(shared: Path, name: str) -> None:
    """Every layout from 2018 to now, with and without prefixes, scientific notation and percentiles."""
    summary = parse_benchmark_text((shared / "fixtures" / "tflite" / name).read_text())
    for field, expected in BENCHMARKS[name].items():
        assert getattr(summary, field) == (pytest.approx(expected) if isinstance(expected, float) else expected), field


REFUSED: list[tuple[Callable[[str], object], str, str]] = [
    (parse_benchmark_text, "tflite/benchmark_model_2018_contrib_lite.txt", "cut off"),
    (parse_benchmark_text, "tflite/benchmark_model_opprofile_new_layout_trimmed.txt", "not the output"),
    (parse_benchmark_text, "tflite/benchmark_model_peakmem_tail.txt", "not the output"),
    (parse_benchmark_text, "tflite/litert_benchmark_py_2.3.0_stderr.txt", "not the output"),
    (parse_op_table, "tflite/benchmark_model_2020_tf2.3_opprofile_head.txt", "no per-operator profile"),
    (parse_batterystats, "android/batterystats_checkin__bort_INVALID_CONTENT.txt", "no power summary"),
    (parse_batterystats, "android/batterystats_checkin__bort_NO_BATTERY_CONTENT.txt", "no battery"),
    (parse_batterystats, "android/batterystats_checkin_history_head_perfetto.txt", "no power summary"),
    (lambda text: parse_perfetto(text.encode()), "perfetto/power_rails.textproto", "no Perfetto trace"),
    (lambda text: parse_perfetto(text.encode()), "perfetto/energy_breakdown.textproto", "no Perfetto trace"),
    (lambda text: parse_perfetto(text.encode()), "perfetto/android_bugreport_battery_stats_test.out", "no Perfetto"),
]


@pytest.mark.parametrize(("parse", "name", "words"), REFUSED, ids=[f"{row[1]}" for row in REFUSED])
def test_refused_with_the_reason(shared: Path, parse: Callable[[str], object], name: str, words: str) -> None:
    """What does not hold the answer is not mined for one."""
    with pytest.raises(UnreadableOutputError, match=words):
        parse((shared / "fixtures" / name).read_text())


def test_old_op_table(shared: Path) -> None:
    """31 operators in run order; the [start] column is not mistaken for a time."""
    ops = parse_op_table((shared / "fixtures/tflite/benchmark_model_v2.8_cpu_opprofile_riscv_qemu.txt").read_text())
    assert len(ops) == 31
    assert (ops[2].type, ops[2].mean_s, ops[2].first_s, ops[2].calls) == ("CONV_2D", 0.147808, 0.134346, 1)
    assert ops[2].name == "[MobilenetV1/MobilenetV1/Conv2d_1_pointwise/Relu6]:2"
    assert sum(op.share for op in ops) == pytest.approx(1, abs=1e-3)


def test_new_op_table(shared: Path) -> None:
    """Node types with blanks and commas, names with commas and blanks."""
    ops = parse_op_table((shared / "fixtures/tflite/benchmark_model_opprofile_new_layout_trimmed.txt").read_text())
    assert len(ops) == 10
    assert (ops[2].type, ops[2].mean_s) == ("Convolution (NHWC, QC8) GEMM", pytest.approx(0.000473))
    assert ops[0].name.startswith("[StatefulPartitionedCall:3, StatefulPartitionedCall:2")
    assert ops[8].calls == 2


def test_batteries(shared: Path) -> None:
    """Levels over their scale, tenths of degrees, and no value from the maker's log below."""
    states = {
        name: parse_dumpsys_battery((shared / f"fixtures/android/dumpsys_battery_{name}.txt").read_text())
        for name in ("aosp", "miui", "samsung_s24")
    }
    assert [states[name].level for name in states] == [0.8, 0.6, 0.75]
    assert [states[name].powered_by for name in states] == [("AC",), ("USB",), ("USB",)]
    assert all(state.charging for state in states.values())
    assert states["miui"].voltage_v == 4.1
    assert states["samsung_s24"].temperature_k == pytest.approx(273.15 + 35.7)
    assert states["samsung_s24"].charge_c == pytest.approx(3.719506 * 3600)


def test_power_supplies(shared: Path) -> None:
    """The raw current keeps sign and scale; volts are volts."""
    sagit = parse_power_supply((shared / "fixtures/android/power_supply_bms_uevent_xiaomi_sagit.txt").read_text())
    assert (sagit.current_raw, sagit.voltage_v) == (-1202147, pytest.approx(4.13744))
    assert sagit.charge_c == pytest.approx(1.673935 * 3600)
    pixel = parse_power_supply((shared / "fixtures/android/power_supply_acc_pixel3a_notcharging.txt").read_text())
    assert (pixel.current_raw, pixel.status) == (976, "not charging")


def test_batterystats(shared: Path) -> None:
    """mAh of the power summary and of each user."""
    text = (shared / "fixtures/android/batterystats_checkin__bort_CHECKIN_CONTENT.txt").read_text()
    use = parse_batterystats(text)
    assert (use.capacity_c, use.computed_c) == (pytest.approx(3900 * 3.6), pytest.approx(3243.2 * 3.6))
    assert use.by_uid_c[1001] == pytest.approx(1.21 * 3.6)


@pytest.mark.parametrize(
    ("name", "status", "count", "sensor", "celsius"),
    [
        ("parsePixelOutput", 0, 13, "maxfg", 25.900002),
        ("parseSamsungOutput", 0, 5, "AP", 34.6),  # SUBBAT at 0.0 is not connected
        ("parseOtherOutput", 0, 12, "skin", 33.136),  # without a percentage and a voltage
        ("parseOtherOtherOutput", 2, 11, "skin", 44.637),
        ("parseEmulator_spaceInName", 0, 1, "test temperature sensor", 30.8),
        ("parseInvalidValue_ignoresRecord", 0, 1, "cpu0-silver-usr", 32.300003),
        ("parseMissingValue_ignoresRecord", 0, 1, "cpu0-silver-usr", 32.300003),
    ],
)
def test_thermalservice(shared: Path, name: str, status: int, count: int, sensor: str, celsius: float) -> None:
    """The HAL's values, not the stale ones above them."""
    state = parse_thermalservice((shared / f"fixtures/android/thermalservice__bort_{name}.txt").read_text())
    by_name = {item.name: item for item in state.sensors}
    assert (state.status, len(state.sensors), state.cached) == (status, count, False)
    assert by_name[sensor].value_k == pytest.approx(celsius + 273.15)


def test_processes(shared: Path) -> None:
    """Names that are empty or hold brackets."""
    lines = (shared / "fixtures/android/proc_pid_task_stat_lines.txt").read_text().splitlines()
    times = [parse_process_stat(line) for line in lines]
    assert [(item.name, item.user_ticks, item.system_ticks) for item in times] == [
        ("OkHttp TaskRunn", 50, 20),
        ("FrescoDecodeExe", 23, 3),
        ("content.com/...", 28, 5),
        ("com.example", 28, 5),
        ("", 0, 0),
        ("AWCN Worker(M)1", 0, 0),
    ]


def test_rails(shared: Path) -> None:
    """Two iio devices; a trace whose samples repeat out of order and one of which has no time of its own."""
    odpm = parse_odpm((shared / "fixtures/android/odpm_energy_value_pixel.txt").read_text())
    assert len(odpm) == 16
    assert odpm["S2M_VDD_CPUCL2"] == (16086.645, pytest.approx(124.265856))
    trace = parse_perfetto((shared / "fixtures/perfetto/power_rails.pb").read_bytes())
    assert trace.rails["test_rail"] == ((0.003, pytest.approx(333e-6)), (0.005, pytest.approx(666e-6)))
    assert trace.rails["test_rail2"] == ((0.003000005, pytest.approx(999e-6)),)
    battery = parse_perfetto((shared / "fixtures/perfetto/battery_counters.pb").read_bytes()).battery
    assert battery[0].current_a == pytest.approx(0.71)
