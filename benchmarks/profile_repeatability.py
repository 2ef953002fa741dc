"""Repeatability of `profile`, and error rates of comparisons, from real samples of this machine.

    python benchmarks/profile_repeatability.py MODEL.tflite [PROCESSES]

Five profiles of five processes each: how far their p50 spread. Then, from a pool of real processes, 200 comparisons of
the file with itself and 200 with a copy slowed down by 5 %: how often a difference is called.
"""

import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from device_harness.local import LocalDevice
from device_harness.runners.in_process import LitertInProcess
from profilers.bench import request_of
from profilers.comparison import compare
from profilers.plan import ProfilePlan
from profilers.statistics import percentile, spread

SIDE = 10


def main() -> int:
    """Measure, print."""
    model, count = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 40
    plan = ProfilePlan(runs=50, min_s=0.5, cpus=(max(os.sched_getaffinity(0)),))
    with LocalDevice() as device:
        pool = [LitertInProcess().run(device, request_of(plan, str(model))) for _ in range(count)]
    for what, parts in (
        ("latency", [document.latencies_s for document in pool]),
        ("cpu_time", [document.cpu_time.per_inference_s for document in pool]),
    ):
        profiles = [parts[start : start + 5] for start in range(0, 25, 5)]
        middles = [percentile([sample for part in five for sample in part], 50) for five in profiles]
        spreads = [spread([percentile(part, 50) for part in five]) for five in profiles]
        print(
            f"{what}: p50 of five profiles: {', '.join(f'{value * 1e3:.3f}' for value in middles)} ms; "
            f"spread {spread(middles):.1%}; between processes of a profile up to {max(spreads):.1%}"
        )
        for factor in (1.0, 1.05):
            print(f"{what}: {factor - 1:.0%} slower: a difference is called in {_called(parts, factor):.1%} of 200")
    return 0


def _called(parts: list[tuple[float, ...]], factor: float) -> float:
    """Share of 200 comparisons between random halves of the pool that call a difference."""
    choice = random.Random(1)
    calls = 0
    for _ in range(200):
        drawn = choice.sample(parts, 2 * SIDE)
        sides = drawn[:SIDE], [tuple(sample * factor for sample in part) for part in drawn[SIDE:]]
        flat = [[sample for part in side for sample in part] for side in sides]
        groups = [[len(part) for part in side] for side in sides]
        calls += compare(flat[0], flat[1], baseline_groups=groups[0], candidate_groups=groups[1]).differs
    return calls / 200


if __name__ == "__main__":
    sys.exit(main())
