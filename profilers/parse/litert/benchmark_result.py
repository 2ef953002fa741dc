"""Machine-readable results: benchmark_model's ``--result_file_path`` proto, litert-benchmark's ``--result_json``."""

import json
import math
from typing import Any

from google.protobuf.message import DecodeError

from device_harness.errors import UnreadableOutputError
from profilers.parse.android.protos import message_class
from profilers.parse.litert.benchmark_model import BenchmarkSummary

LARGEST = 10**15
"""Milliseconds or runs beyond this are damage; JSON has integers that no float can hold."""


def parse_result_proto(data: bytes) -> BenchmarkSummary:
    """The summary in a ``tflite.tools.benchmark.BenchmarkResult``.

    Raises:
        UnreadableOutputError: not such a message, or one without an average and a count of runs.
    """
    message = message_class("BenchmarkResult")()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise UnreadableOutputError(f"the result file is no BenchmarkResult: {error}") from error
    latency, misc, memory = message.latency_metrics, message.misc_metrics, message.memory_metrics

    def seconds(name: str) -> float | None:
        value = getattr(latency, name)
        return value / 1e3 if latency.HasField(name) and math.isfinite(value) and value >= 0 else None

    mean = seconds("avg_ms")
    if mean is None or misc.num_runs < 1:
        raise UnreadableOutputError("the result file has no average latency or no count of runs")
    return BenchmarkSummary(
        family="tflite",
        count=misc.num_runs,
        mean_s=mean,
        min_s=seconds("min_ms"),
        max_s=seconds("max_ms"),
        std_s=seconds("stddev_ms"),
        p5_s=seconds("p5_ms"),
        median_s=seconds("median_ms"),
        p95_s=seconds("p95_ms"),
        init_s=seconds("init_ms"),
        first_s=seconds("first_inference_ms"),
        warmup_count=misc.num_warmup_runs if misc.HasField("num_warmup_runs") else None,
        warmup_mean_s=seconds("average_warm_up_ms"),
        footprint_bytes=memory.overall_footprint_kb * 1024 if memory.HasField("overall_footprint_kb") else None,
        peak_bytes=memory.peak_mem_mb * 2**20 if memory.HasField("peak_mem_mb") and memory.peak_mem_mb > 0 else None,
    )


def parse_result_json(text: str) -> BenchmarkSummary:
    """The summary in the ``--result_json`` of `ai_edge_litert`'s ``litert-benchmark``.

    Its times have two decimals of a millisecond: a fast model's are 0.

    Raises:
        UnreadableOutputError: not such a document.
    """
    try:
        document = json.loads(text)
        latency = document["latency"]
        count, mean = latency["num_runs"], latency["avg_ms"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableOutputError(f"this is no result of litert-benchmark: {error}") from error

    def seconds(value: Any) -> float | None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return value / 1e3 if number and abs(value) < LARGEST else None

    average = seconds(mean)
    if average is None or not isinstance(count, int) or not 1 <= count < LARGEST:
        raise UnreadableOutputError("this result of litert-benchmark has no average or no runs")
    warmups = latency.get("num_warmup_runs")
    names = {"min": "min_ms", "max": "max_ms", "std": "std_ms", "p5": "p5_ms", "median": "median_ms", "p95": "p95_ms",
             "init": "init_ms", "first": "warmup_first_ms", "warmup_mean": "warmup_avg_ms"}  # fmt: skip
    accelerated = document.get("fully_accelerated")
    return BenchmarkSummary(
        family="litert-python",
        count=count,
        mean_s=average,
        **{f"{name}_s": seconds(latency.get(key)) for name, key in names.items()},
        warmup_count=warmups if isinstance(warmups, int) and 0 <= warmups < LARGEST else None,
        fully_accelerated=accelerated if isinstance(accelerated, bool) else None,
    )
