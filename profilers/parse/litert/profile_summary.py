"""The table of operators that LiteRT's profiler writes: those of delegates, and those of LiteRT's own kernels."""

import re

from device_harness.errors import UnreadableOutputError
from profilers.readings import OpTime

OWN = "LiteRT's own kernel"
_DELEGATE = re.compile(
    r"^Delegate/(?P<type>\S.*?)\s+(?P<count>\d+)\s+(?P<mean>[0-9.]+)\s+(?P<least>\d+)\s+(?P<most>\d+)\s+(?P<total>\d+)$"
)
_NODE = re.compile(
    r"^\s*(?P<type>\S.*?)\s+[0-9.]+\s+(?P<mean>[0-9.]+)\s+[0-9.]+%\s+[0-9.]+%\s+[0-9.]+\s+(?P<count>\d+)\s+(?P<name>\S.*)$"
)


def parse_profile_summary(text: str, runs: int) -> tuple[OpTime, ...]:
    """The operators of `runs` inferences: first those that no delegate took, then those of delegates by their kind.

    The column of first runs holds times of a clock, so that it is not read; shares are of all operators together.

    Raises:
        UnreadableOutputError: no operator in it.
    """
    order, _, rest = text.partition("Top by Computation Time")
    own = [(found["type"], found["name"], float(found["mean"]) / 1e3 * int(found["count"]), int(found["count"]))
           for line in order.splitlines() if (found := _NODE.match(line))]  # fmt: skip
    taken = [(found["type"], "by the delegate", int(found["total"]) / 1e6, int(found["count"]))
             for line in rest.splitlines() if (found := _DELEGATE.match(line.rstrip()))]  # fmt: skip
    whole = sum(seconds for _, _, seconds, _ in (*own, *taken))
    if not own and not taken:
        raise UnreadableOutputError("LiteRT's profile has no operators")
    return tuple(
        OpTime(
            type=kind,
            name=name.replace("[Unknown]", OWN),
            mean_s=seconds / runs,
            share=seconds / whole if whole > 0 else 0.0,
            calls=max(1, round(count / runs)),
        )
        for kind, name, seconds, count in (*own, *taken)
    )
