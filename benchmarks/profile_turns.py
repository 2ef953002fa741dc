"""How often `profile A B` calls a difference: between a file and its copy, and between it and one 5 % slower.

    python benchmarks/profile_turns.py WORK_FOLDER [ROUNDS]

Twenty-one equal convolutions do 5 % more work than twenty. Both networks and a copy of the first take turns for ROUNDS
rounds of the default plan (100: ten minutes); from these, 100 times, as many rounds as a profile has by default are
drawn in their order. Take the machine as it is: busy, if that is asked.
"""

import argparse
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from device_harness.local import LocalDevice
from device_harness.runners.in_process import LitertInProcess
from profilers.bench import Bench
from profilers.paired import ROUNDS, compare_paired
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.readings import Reading
from profilers.session import profile_models
from profilers.statistics import split

TIMES = 100


def plain() -> nn.Module:
    """Twenty convolutions."""
    return convolutions(20)


def slower() -> nn.Module:
    """One more."""
    return convolutions(21)


def convolutions(count: int) -> nn.Module:
    """Equal ones of 32 channels."""
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Conv2d(32, 32, 3, padding=1) for _ in range(count)))


def main() -> None:
    """Measure, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("rounds", type=int, nargs="?", default=100)
    given = parser.parse_args()
    first, second = (converted(name, given.work) for name in ("plain", "slower"))
    copy = given.work / "copy.tflite"
    shutil.copy(first, copy)
    plan = ProfilePlan(processes=given.rounds, min_s=1.0, energy_repeats=0)
    with LocalDevice() as device:
        results = profile_models(device, [first, copy, second], plan, Bench(LitertInProcess(), DocumentReader(), ()))
    for metric in ("latency", "cpu_time"):
        before, same, more = (reading(one.readings, metric) for one in results)
        ratio = compare_paired(
            before.samples, more.samples, baseline_groups=before.groups, candidate_groups=more.groups
        ).reason
        print(f"{metric}: all rounds of the slower one: {ratio}")
        print(f"{metric}: a file and its copy: {called(before, same)} of {TIMES} called different")
        print(f"{metric}: 5 % slower: {called(before, more)} of {TIMES} called different")


def converted(name: str, work: Path) -> Path:
    """The TFLite file of a network of this module."""
    program = Path(sys.executable).with_name("mobile-export")
    shape = ("--input-shape", "features=1,32,28,28")
    target = ("--target", "android-float", "-o", str(work / name))
    subprocess.run([program, "convert", f"{__file__}:{name}", *shape, *target], check=True, stdout=subprocess.DEVNULL)
    return work / name / "android-float" / "model.tflite"


def reading(found: Sequence[Reading], metric: str) -> Reading:
    """That metric's."""
    return next(one for one in found if one.metric == metric)


def called(before: Reading, after: Reading) -> int:
    """Of so many times that a default profile's rounds are drawn."""
    sides = [split(one.samples, one.groups) for one in (before, after)]
    generator, count = random.Random(0), 0
    for _ in range(TIMES):
        drawn = sorted(generator.sample(range(len(sides[0])), ROUNDS))
        first, second = ([side[number] for number in drawn] for side in sides)
        count += compare_paired(
            [sample for part in first for sample in part],
            [sample for part in second for sample in part],
            baseline_groups=[len(part) for part in first],
            candidate_groups=[len(part) for part in second],
        ).differs
    return count


if __name__ == "__main__":
    main()
