"""The two programs called ``benchmark_model``, and LiteRT's Python benchmark: their text outputs.

Source: LiteRT ``tflite/tools/benchmark`` and ``litert/tools/benchmark_litert_model.h``; outputs of 2018 to 2026.
"""

import math
import re

from device_harness.errors import UnreadableOutputError
from device_harness.frozen import Frozen

MEBIBYTE = 2**20  # what the tools call MB of footprint: kilobytes of ru_maxrss / 1024
_NUMBER = r"([-+0-9.eE]+)"
# What loggers put before a line: logcat's time and tag, a severity, a source location.
_PREFIX = re.compile(
    r"^(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+\w/\w+\s*\(\s*\d+\): |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,?\d* )?"
    r"(?:(?:VERBOSE|INFO|WARN|WARNING|ERROR):? )?(?:\[[\w.]+:\d+\] |\w+: (?=Model|Inference))?"
)


class BenchmarkSummary(Frozen):
    """What a run of a benchmark program reported; times in seconds, memory in bytes, None where it did not say.

    These are the program's own summaries: none of them exports its samples.

    Attributes:
        family: ``tflite`` (interpreter), ``litert`` (compiled model, C++) or ``litert-python``.
        count: measured inferences.
        warmup_count: warm-up inferences.
        footprint_bytes: growth of the peak resident memory during the run.
        peak_bytes: highest footprint seen by polling, where it was asked for.
        delegation: what was said of an explicitly applied delegate: ``complete``, ``partial``, ``none``.
        delegates: its lines about delegates.
        fully_accelerated: LiteRT's word for it.
    """

    family: str
    count: int
    mean_s: float
    min_s: float | None = None
    max_s: float | None = None
    std_s: float | None = None
    p5_s: float | None = None
    median_s: float | None = None
    p95_s: float | None = None
    init_s: float | None = None
    first_s: float | None = None
    warmup_count: int | None = None
    warmup_mean_s: float | None = None
    footprint_bytes: float | None = None
    peak_bytes: float | None = None
    delegation: str | None = None
    delegates: tuple[str, ...] = ()
    fully_accelerated: bool | None = None


def parse_benchmark_text(text: str, where: str = "benchmark_model") -> BenchmarkSummary:
    """Read both streams of a benchmark program, joined.

    Args:
        text: standard output and standard error, in any order.
        where: program and device, for messages.

    Raises:
        UnreadableOutputError: an unknown program, a failed or unfinished run, or flags that it did not know.
    """
    lines = [_PREFIX.sub("", line.strip()) for line in text.splitlines()]
    for line in lines:
        if "Benchmarking failed" in line or "Disallowed CPU fallback" in line:
            raise UnreadableOutputError(f"{where}: the run failed: {line}")
        if line.startswith("Unconsumed cmdline flags"):
            raise UnreadableOutputError(
                f"{where} ignored options that it does not know: {line.partition(':')[2].strip()}"
            )
    if any("BENCHMARK RESULTS" in line for line in lines):
        return _litert(lines, where)
    if any(line.startswith(("Inference timings in us", "Average inference timings in us")) for line in lines):
        return _tflite(lines, where)
    if any(line.startswith("count=") for line in lines):
        raise UnreadableOutputError(f"{where}: the output ends before the result: the run was cut off")
    raise UnreadableOutputError(f"{where}: not the output of a benchmark_model that is known")


def _tflite(lines: list[str], where: str) -> BenchmarkSummary:
    summary_at = next(index for index, line in enumerate(lines) if "inference timings in us" in line.lower())
    counts = [line for line in lines[:summary_at] if line.startswith("count=")]
    if not counts:
        raise UnreadableOutputError(f"{where}: the line with count= is missing")
    measured = _statistics(counts[-1], where)
    summary = _named_numbers(lines[summary_at].partition("in us:")[2])
    count = int(measured.get("count", 0))
    mean = measured.get("avg", measured.get("curr"))
    if count < 1 or mean is None:
        raise UnreadableOutputError(f"{where}: no inference was measured ({counts[-1]})")
    warmup = _statistics(counts[0], where) if len(counts) > 1 else {}
    memory = [line for line in lines if line.startswith(("Memory footprint delta", "Peak memory footprint (MB)"))]
    peak = [line for line in lines if line.startswith("Overall peak memory footprint (MB)")]
    # A run of equal values prints only the last one: every figure is that value.
    constant = dict.fromkeys(("min", "max", "median"), mean) if "avg" not in measured else {}
    figures = {**constant, **measured}
    return BenchmarkSummary(
        family="tflite",
        count=count,
        mean_s=_micro(mean),
        **{f"{name}_s": _micro(figures.get(name)) for name in ("min", "max", "std", "p5", "median", "p95")},
        init_s=_micro(summary.get("init")),
        first_s=_micro(summary.get("first inference")),
        warmup_count=int(warmup["count"]) if warmup.get("count") else None,
        warmup_mean_s=_micro(summary.get("warmup (avg)", summary.get("warmup"))),
        footprint_bytes=_megabytes(memory[0], r"overall=") if memory else None,
        peak_bytes=_megabytes(peak[0], r"monitoring: ") if peak else None,
        delegation=_delegation(lines),
        delegates=_delegate_lines(lines),
    )


def _statistics(line: str, where: str) -> dict[str, float]:
    """``count=50 first=106022 avg=2.7e+06 std=..``: microseconds, six significant digits."""
    found = {}
    for key, value in re.findall(rf"(\w+)={_NUMBER}(?=\s|$)", line):
        number = _finite(value)
        if number is None or key in found:
            raise UnreadableOutputError(f"{where}: a damaged line: {line[:120]}")
        found[key] = number
    return found


def _named_numbers(text: str) -> dict[str, float]:
    """``Init: 87639, Inference (avg): 105784`` by lower-case name."""
    found = {}
    for name, value in re.findall(rf"([A-Za-z][A-Za-z ()]*): {_NUMBER}(?=,|\s|$)", text):
        number = _finite(value)
        if number is not None:
            found[name.lower()] = number
    return found


def _litert(lines: list[str], where: str) -> BenchmarkSummary:
    start = next(index for index, line in enumerate(lines) if "BENCHMARK RESULTS" in line)
    figures: dict[str, float] = {}
    counts: dict[str, int] = {}
    for line in lines[start:]:
        match = re.match(rf"([A-Z][a-z]+(?: [a-z]+)*(?: \([a-z0-9]+\))?):\s+{_NUMBER} ms(?: \((\d+) runs\))?$", line)
        number = _finite(match[2]) if match else None
        if match and number is not None:
            figures[match[1].lower()] = number / 1e3
            if match[3]:
                counts[match[1].lower()] = int(match[3])
    mean, count = figures.get("inference (avg)"), counts.get("inference (avg)", 0)
    if mean is None or count < 1:
        raise UnreadableOutputError(f"{where}: the block of results has no average of inferences")
    accelerated = [line.partition(":")[2].strip() for line in lines if line.startswith("Fully accelerated:")]
    python = any(line.startswith(("Inference (median)", "Accelerators:")) for line in lines)
    return BenchmarkSummary(
        family="litert-python" if python else "litert",
        count=count,
        mean_s=mean,
        **{f"{name}_s": figures.get(f"inference ({name})") for name in ("min", "max", "std", "p5", "median", "p95")},
        init_s=figures.get("model initialization"),
        first_s=figures.get("warmup (first)"),
        warmup_count=counts.get("warmup (avg)"),
        warmup_mean_s=figures.get("warmup (avg)"),
        fully_accelerated={"true": True, "false": False}.get(accelerated[-1].lower()) if accelerated else None,
        delegates=_delegate_lines(lines),
    )


def _delegation(lines: list[str]) -> str | None:
    for line in lines:
        if "will be completely executed by the delegate" in line:
            return "complete"
        if "will be partially executed by the delegate" in line:
            return "partial"
        if "will not be executed by the delegate" in line:
            return "none"
    return None


def _delegate_lines(lines: list[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if re.search(r"\bdelegate\b|accelerator registered", line))[:20]


def _megabytes(line: str, before: str) -> float | None:
    match = re.search(rf"{before}{_NUMBER}(?=\s|$)", line)
    number = _finite(match[1]) if match else None
    return None if number is None else number * MEBIBYTE


def _micro(value: float | None) -> float | None:
    return None if value is None else value / 1e6


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
