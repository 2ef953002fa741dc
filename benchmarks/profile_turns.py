"""How often `profile A B` calls a difference: between a file and its copy, and between it and one 5 % slower.

    python benchmarks/profile_turns.py WORK_FOLDER [ROUNDS]

Twenty-one equal convolutions do 5 % more work than twenty. Two sessions with the plan that two models have by default,
but of ROUNDS rounds (300: half an hour): the first network with a copy of its file, and with the second network. Judged
are (1) consecutive rounds, as many as a profile has: real repeats, apart from the machine's mood; (2) 100 draws
of as many rounds, in pairs of one order and its reverse, from all of them: not independent, because they share rounds.
Called different is what differs by latency or by processor time. Take the machine as it is: busy, if that is asked.
"""

import argparse
import itertools
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from device_harness.local import LocalDevice
from device_harness.runners.in_process import LitertInProcess
from profilers.bench import Bench
from profilers.paired import ROUNDS, TURNS, by_rounds
from profilers.plan import ProfilePlan
from profilers.readers.documents import DocumentReader
from profilers.readings import Reading
from profilers.session import profile_models

TIMES = 100
METRICS = ("latency", "cpu_time")


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
    parser.add_argument("rounds", type=int, nargs="?", default=300)
    given = parser.parse_args()
    first, second = (converted(name, given.work) for name in ("plain", "slower"))
    copy = given.work / "copy.tflite"
    shutil.copy(first, copy)
    plan = ProfilePlan.model_validate({**TURNS, "processes": given.rounds})
    for other, words in ((copy, "a file and its copy"), (second, "5 % slower")):
        began = time.monotonic()
        before, after = measured([first, other], plan)
        print(f"{words}: {(time.monotonic() - began) / given.rounds:.1f} s a round")
        report(words, [(reading(before, metric), reading(after, metric)) for metric in METRICS])


def measured(models: Sequence[Path], plan: ProfilePlan) -> list[Sequence[Reading]]:
    """Readings of each."""
    runner = LitertInProcess()
    with LocalDevice() as device:
        bench = Bench(runner, DocumentReader(), (), together=runner.run_in_turns)
        return [result.readings for result in profile_models(device, models, plan, bench)]


def report(words: str, sides: Sequence[tuple[Reading, Reading]]) -> None:
    """Print how often a difference is called: by each metric, and by any."""
    count = len(sides[0][0].groups)
    for before, after in sides:
        print(f"{words}: {before.metric}: all rounds: {by_rounds(before, after).reason}", flush=True)
    blocks = [range(start, start + ROUNDS) for start in range(0, count - ROUNDS + 1, ROUNDS)]
    generator = random.Random(0)
    pairs = [sorted(generator.sample(range(count // 2), ROUNDS // 2)) for _ in range(TIMES)]
    draws = [[2 * pair + place for pair in one for place in (0, 1)] for one in pairs]
    for kind, choices in (("repeats", blocks), ("draws", draws)):
        called = [[by_rounds(*(of_rounds(side, one) for side in both)).differs for both in sides] for one in choices]
        each = ", ".join(
            f"{sum(column)} by {name}" for column, name in zip(zip(*called, strict=True), METRICS, strict=True)
        )
        print(f"{words}: {sum(map(any, called))} of {len(choices)} {kind} called different ({each})", flush=True)


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


def of_rounds(whole: Reading, rounds: Sequence[int]) -> Reading:
    """With these rounds alone."""
    ends = list(itertools.accumulate(whole.groups, initial=0))
    turn_ends = list(itertools.accumulate(whole.turns, initial=0))
    spans = [(ends[number], ends[number + 1]) for number in rounds]
    turns = [
        count
        for low, high in spans
        for start, count in zip(turn_ends, whole.turns, strict=False)
        if low <= start < high
    ]
    changes = {
        "samples": tuple(sample for low, high in spans for sample in whole.samples[low:high]),
        "groups": tuple(high - low for low, high in spans),
        "turns": tuple(turns),
    }
    return whole.model_copy(update=changes)


if __name__ == "__main__":
    main()
