"""No bytes crash a parser or make it invent a value: it returns finite figures of the input, or refuses."""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_harness.errors import UnreadableOutputError
from profilers.parse.android import battery, rails, thermal
from profilers.parse.linux import proc
from profilers.parse.litert import benchmark_model, op_profile

TEXTS: dict[Callable[[str], Any], str] = {
    benchmark_model.parse_benchmark_text: (
        "INFO: STARTING!\nINFO: count=5 first=10 curr=11 min=9 max=12 avg=10.5 std=1 p5=9 median=10 p95=12\n\n"
        "INFO: count=50 first=10 curr=11 min=9 max=12 avg=1.05e+01 std=1 p5=9 median=10 p95=12\n"
        "INFO: Inference timings in us: Init: 7, First inference: 10, Warmup (avg): 10.5, Inference (avg): 10.5\n"
        "INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.5\n"
    ),
    op_profile.parse_op_table: (
        "Operator-wise Profiling Info for Regular Benchmark Runs:\n=== Run Order ===\n"
        "\t[node type]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times called]\t[Name]\n"
        "\tConvert (NC, QS8, F32)\t0.848\t0.835\t5.455%\t5.455%\t0.000\t1\tDelegate/Convert (NC, QS8, F32):110\n"
    ),
    proc.parse_process_stat: "7 (a (b) c) S 480 480 0 0 -1 1077952576 6 0 0 0 50 20 40 0 20 0 53 0 2333 17 4",
    proc.parse_memory_status: "Name:\tx\nVmHWM:\t  20 kB\nVmRSS:\t  10 kB\n",
    battery.parse_dumpsys_battery: (
        "Current Battery Service state:\n  USB powered: true\n  status: 2\n  level: 40\n  scale: 50\n  voltage: 4000\n"
        "  temperature: 300\n"
    ),
    battery.parse_power_supply: "POWER_SUPPLY_CURRENT_NOW=-1202147\nPOWER_SUPPLY_VOLTAGE_NOW=4137440\n",
    battery.parse_batterystats: "9,0,l,pws,3900,3243.2,3237,3354\n9,1001,l,pwi,uid,1.21,1,0,0\n",
    thermal.parse_thermalservice: (
        "Thermal Status: 2\nCached temperatures:\n\tTemperature{mValue=25.0, mType=2, mName=battery, mStatus=0}\n"
        "HAL Ready: true\nCurrent temperatures from HAL:\n\tTemperature{mValue=47.8, mType=0, mName=CPU 7, mStatus=1}\n"
    ),
    rails.parse_odpm: "t=2\nCH0(T=251741617)[VSYS_PWR_WLAN_BT], 192612469095\n",
}


def numbers(value: Any) -> list[float]:
    """Every number in a parser's result."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, tuple | list):
        return [number for item in value for number in numbers(item)]
    return numbers(vars(value) if hasattr(value, "__dict__") else dict(value))


@pytest.mark.parametrize("parse", TEXTS, ids=lambda parse: parse.__name__)
def test_reads_its_own_sample(parse: Callable[[str], Any]) -> None:
    """The samples below are good ones: the tests that damage them start from something that parses."""
    assert numbers(parse(TEXTS[parse]))


@pytest.mark.parametrize("parse", TEXTS, ids=lambda parse: parse.__name__)
@given(data=st.data())
def test_any_text(parse: Callable[[str], Any], data: st.DataObject) -> None:
    """Noise, and samples with noise cut into them: a refusal or finite numbers."""
    sample = TEXTS[parse]
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, len(sample)))
    digits = st.text("0123456789.e+-=:,%\n\t ()", max_size=40)
    noise = data.draw(st.one_of(st.text(max_size=40), digits, st.sampled_from(["9" * 400, "1e999", "nan", "-inf"])))
    for text in (noise, sample[:start] + noise + sample[end:]):
        with contextlib.suppress(UnreadableOutputError):
            assert all(map(math.isfinite, numbers(parse(text))))


@pytest.mark.parametrize("parse", TEXTS, ids=lambda parse: parse.__name__)
@given(data=st.data())
def test_cut_off_text_invents_nothing(parse: Callable[[str], Any], data: st.DataObject) -> None:
    """A prefix at a line's end gives no number that the whole text does not give."""
    sample = TEXTS[parse]
    lines = sample.splitlines(keepends=True)
    kept = "".join(lines[: data.draw(st.integers(0, len(lines)))])
    with contextlib.suppress(UnreadableOutputError):
        allowed = numbers(parse(sample))
        if parse is thermal.parse_thermalservice:
            allowed += [25.0 + 273.15, 0.0]  # the cached sensor, which stands in for the HAL's
        for number in numbers(parse(kept)):
            assert any(math.isclose(number, other) for other in allowed), number


@given(st.binary(max_size=300))
def test_any_bytes_as_protos(data: bytes) -> None:
    """A binary trace."""
    with contextlib.suppress(UnreadableOutputError):
        assert all(map(math.isfinite, numbers(rails.parse_perfetto(data))))


def test_flags_that_were_ignored_are_an_error() -> None:
    """benchmark_model only warns and exits 0 when it does not know an option: the run was another than asked for."""
    text = "WARN: Unconsumed cmdline flags: --use_gpuu=true\n" + TEXTS[benchmark_model.parse_benchmark_text]
    with pytest.raises(UnreadableOutputError, match="--use_gpuu"):
        benchmark_model.parse_benchmark_text(text)


def test_delegation_that_did_not_happen_is_told() -> None:
    """A silent fall-back to the CPU is visible to the verdicts."""
    line = "INFO: Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.\n"
    summary = benchmark_model.parse_benchmark_text(line + TEXTS[benchmark_model.parse_benchmark_text])
    assert summary.delegation == "none"


def test_constant_samples() -> None:
    """`count=N curr=X` means that all were X."""
    text = "count=3 curr=7\nInference timings in us: Init: 1, First inference: 7, Warmup (avg): 7, Inference (avg): 7\n"
    summary = benchmark_model.parse_benchmark_text(text)
    assert (summary.count, summary.mean_s, summary.median_s) == (3, 7e-6, 7e-6)


def test_litert_cpp_block() -> None:
    """The compiled-model program writes the same block through a logger with a source location."""
    prefix = "INFO: [benchmark_litert_model.h:123] "
    block = [
        "========== BENCHMARK RESULTS ==========",
        "Model initialization: 12.50 ms",
        "Warmup (first):       9.00 ms",
        "Warmup (avg):         8.00 ms (5 runs)",
        "Inference (avg):      7.25 ms (50 runs)",
        "Inference (min): 7.00 ms",
    ]
    summary = benchmark_model.parse_benchmark_text("\n".join(prefix + line for line in block))
    assert (summary.family, summary.count, summary.mean_s, summary.min_s) == ("litert", 50, 0.00725, 0.007)
    assert (summary.init_s, summary.first_s, summary.warmup_count) == (0.0125, 0.009, 5)
