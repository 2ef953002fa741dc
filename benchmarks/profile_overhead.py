"""litert_bench against LiteRT's Python interpreter on one model, alternated, and litert_bench's own overhead.

python benchmarks/profile_overhead.py MODEL.tflite [PAIRS]
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device_harness.local import LocalDevice
from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.build import build_litert_bench, find_litert_library
from device_harness.runners.documents import DocumentRunner
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.litert_bench import LitertBench
from device_harness.runners.platforms import host_platform
from profilers.bench import request_of
from profilers.plan import ProfilePlan
from profilers.statistics import percentile


def main() -> int:
    """Print the p50 of both over all pairs, their ratio pair by pair, and the time between inferences."""
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
                    overheads.append(percentile(_gaps(document), 50))
    for name, values in medians.items():
        print(
            f"{name:14} p50 {percentile(values, 50) * 1e3:.4f} ms, CPU {percentile(cpu[name], 50) * 1e3:.4f} ms "
            f"(median of {pairs} processes; best {min(values) * 1e3:.4f} ms)"
        )
    for what, table in (("p50", medians), ("CPU time", cpu)):
        ratios = [ours / theirs for ours, theirs in zip(table["litert_bench"], table["in process"], strict=True)]
        best = min(table["litert_bench"]) / min(table["in process"])
        print(f"{what}: litert_bench / in process: median ratio {percentile(ratios, 50):.4f}, best of each {best:.4f}")
    print(f"litert_bench between two inferences: {percentile(overheads, 50) * 1e6:.2f} us")
    return 0


def _gaps(document: BenchDocument) -> list[float]:
    """Seconds from the end of each inference to the start of the next."""
    ends = [start + latency for start, latency in zip(document.starts_s, document.latencies_s, strict=True)]
    return [start - end for start, end in zip(document.starts_s[1:], ends, strict=False)]


if __name__ == "__main__":
    sys.exit(main())
