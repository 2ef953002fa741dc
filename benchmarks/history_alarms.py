"""How often `history` sees what is not there, and how often it sees what is: simulated runs, no device.

    python benchmarks/history_alarms.py [--times 1000]

For several kinds of noise between runs it prints, of histories without any change, the share in which `history show`
finds one, and the share of gates that fail, of one figure and of ten at once; and of histories in which the newest runs
are 5 % slower the share of gates that fail. Noise is 1 % between runs where it is normal.
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence

from exporter.data.facts.history import Lane
from exporter.history.levels import starts_of
from exporter.history.noise import ALPHA, loss_of

LANE = Lane(target="t", place="phone", metric="latency", unit="s")
SPREAD = 0.01
Draw = Callable[[random.Random], float]


def contaminated(rng: random.Random) -> float:
    """One run of twenty is far off."""
    return rng.gauss(0, 1) + (8 if rng.random() < 0.05 else 0)


def heavy(rng: random.Random) -> float:
    """Student's t of three degrees."""
    return rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1.5, 2) / 3)


KINDS: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(0, 1),
    "heavy tails (t of 3)": heavy,
    "1 run of 20 far off": contaminated,
    "skewed": lambda rng: rng.lognormvariate(0, 0.5),
}


def history(draw: Draw, count: int, rng: random.Random) -> list[float]:
    """Latencies of so many runs, in seconds."""
    return [0.01 * math.exp(SPREAD * draw(rng)) for _ in range(count)]


def fails(earlier: Sequence[float], newest: Sequence[float], alpha: float) -> bool:
    """Whether a gate with no tolerance at all fails."""
    found = loss_of(LANE, earlier, newest, alpha)
    return not isinstance(found, str) and found.loss > found.noise


def changes(draw: Draw, count: int, times: int, rng: random.Random) -> float:
    """Share of histories without a change in which one is found."""
    return sum(bool(starts_of(history(draw, count, rng), exact=False)) for _ in range(times)) / times


def gates(draw: Draw, count: int, newest: int, figures: int, slower: float, times: int, rng: random.Random) -> float:
    """Share of gates that fail; `slower` is what the newest runs are slower by, as a factor."""

    def failed() -> bool:
        earlier, later = history(draw, count, rng), history(draw, newest, rng)
        return fails(earlier, [slower * one for one in later], ALPHA / figures)

    return sum(any(failed() for _ in range(figures)) for _ in range(times)) / times


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000, help="histories of each kind")
    times = parser.parse_args().times
    rng = random.Random(17)
    print("histories without a change in which one is found, of 10, 20, 50, 100 runs")
    for name, draw in KINDS.items():
        shares = (changes(draw, count, times, rng) for count in (10, 20, 50, 100))
        print(f"  {name:22}", "  ".join(f"{share:6.1%}" for share in shares))
    for title, slower in (("gates without a change that fail", 1.0), ("gates that find 5 % slower", 1.05)):
        print(f"{title}: 1 figure, 10 figures; newest runs 1, 1, 3, 3 after 10, 30, 10, 30")
        for name, draw in KINDS.items():
            for figures in (1, 10) if slower == 1.0 else (1,):
                shares = (
                    gates(draw, count, newest, figures, slower, times // figures or 1, rng)
                    for count, newest in ((10, 1), (30, 1), (10, 3), (30, 3))
                )
                print(f"  {name:22} {figures:2}", "  ".join(f"{share:6.1%}" for share in shares))


if __name__ == "__main__":
    main()
