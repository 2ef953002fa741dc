"""What the sampling script on a device writes: blocks of ``@UPTIME``, ``#FILE`` and the file's lines."""

import re
from typing import NamedTuple


class Sample(NamedTuple):
    """The files' texts at one time of the boot clock, in seconds."""

    time_s: float
    texts: dict[str, str]


def parse_samples(text: str) -> tuple[Sample, ...]:
    """All blocks but the last, which may be cut off; what does not belong to a block is skipped."""
    found: list[Sample] = []
    path: str | None = None
    for line in text.splitlines():
        if re.fullmatch(r"@\d{1,12}\.\d{1,9}", line):
            found.append(Sample(float(line[1:]), {}))
            path = None
        elif found and line.startswith("#/"):
            path = line[1:]
            found[-1].texts[path] = ""
        elif found and path is not None:
            found[-1].texts[path] += line + "\n"
    return tuple(found[:-1])


def numbers_of(samples: tuple[Sample, ...], path: str) -> tuple[list[float], list[float]]:
    """Times and values of a file that holds one integer; samples in which it does not are left out."""
    times, values = [], []
    for sample in samples:
        text = sample.texts.get(path, "").strip()
        if re.fullmatch(r"-?\d{1,18}", text):
            times.append(sample.time_s)
            values.append(float(text))
    return times, values
