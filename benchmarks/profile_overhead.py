"""litert_bench against LiteRT's Python interpreter on one model, alternated, its own overhead, and its peak memory.

Peak memory is held against VmHWM of /proc/PID/status, which is looked at from outside until the process ends.

python benchmarks/profile_overhead.py MODEL.tflite [PAIRS]
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device_harness.local import LocalDevice
from device_harness.machine import memory_status
from device_harness.runners.bench_document import BenchDocument, parse_bench_document
from device_harness.runners.build import build_litert_bench, find_litert_library
from device_harness.runners.documents import DocumentRunner
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.litert_bench import LitertBench
from device_harness.runners.platforms import host_platform
from device_harness.runners.runner import RunRequest
from profilers.bench import request_of
from profilers.plan import ProfilePlan
from profilers.statistics import percentile

PROCESSES, LOOK_S = 5, 0.001
LEAST_DISTURBED = 5
"""Percentile of the gaps: on a busy machine most of them hold other programs' turns of the CPU."""


def main() -> int:
    """Print the p50 of both over all pairs, their ratio pair by pair, the time between inferences, and peak memory."""
    model, pairs = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    plan = ProfilePlan(runs=200, min_s=1.0, cpus=(max(os.sched_getaffinity(0)),))
    bench = LitertBench(build_litert_bench(host_platform()), find_litert_library())
    runners: dict[str, DocumentRunner] = {"litert_bench": bench, "in process": LitertInProcess()}
    medians: dict[str, list[float]] = {name: [] for name in runners}
    cpu: dict[str, list[float]] = {name: [] for name in runners}
    overheads = []
    with LocalDevice() as device:
        for runner in runners.values():
            runner.prepare(device)
        for pair in range(pairs):
            for name in sorted(runners, reverse=bool(pair % 2)):
                document = runners[name].run(device, request_of(plan, str(model)))
                medians[name].append(percentile(document.latencies_s, 50))
                cpu[name].append(percentile(document.cpu_time.per_inference_s, 50))
                if name == "litert_bench":
                    overheads.append(percentile(_gaps(document), LEAST_DISTURBED))
        memory = [_memory_ratio(bench, request_of(plan, str(model))) for _ in range(PROCESSES)]
    for name, values in medians.items():
        print(
            f"{name:14} p50 {percentile(values, 50) * 1e3:.4f} ms, CPU {percentile(cpu[name], 50) * 1e3:.4f} ms "
            f"(median of {pairs} processes; best {min(values) * 1e3:.4f} ms)"
        )
    for what, table in (("p50", medians), ("CPU time", cpu)):
        ratios = [ours / theirs for ours, theirs in zip(table["litert_bench"], table["in process"], strict=True)]
        best = min(table["litert_bench"]) / min(table["in process"])
        print(f"{what}: litert_bench / in process: median ratio {percentile(ratios, 50):.4f}, best of each {best:.4f}")
    print(
        f"litert_bench between two inferences: {percentile(overheads, 50) * 1e6:.2f} us (its own; others' work is out)"
    )
    print(f"litert_bench peak memory / VmHWM: {', '.join(f'{one:.4f}' for one in memory)} (of {len(memory)} processes)")
    return 0


def _memory_ratio(bench: LitertBench, request: RunRequest) -> float:
    """What litert_bench says that it took at most, over what the kernel said of it last."""
    command, env = bench.command(request)
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **env})
        highest = 0
        while process.poll() is None:
            with contextlib.suppress(OSError):
                status = memory_status(Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8"))
                highest = max(highest, status.get("VmHWM", 0))
            time.sleep(LOOK_S)
        out.seek(0)
        return parse_bench_document(out.read(), "litert_bench").memory.peak_bytes / highest


def _gaps(document: BenchDocument) -> list[float]:
    """Seconds from the end of each inference to the start of the next."""
    ends = [start + latency for start, latency in zip(document.starts_s, document.latencies_s, strict=True)]
    return [start - end for start, end in zip(document.starts_s[1:], ends, strict=False)]


if __name__ == "__main__":
    sys.exit(main())
