"""Stages of long work on standard error that is no terminal."""

import io
import time

from exporter.cli.progress import Lines


def test_a_stage_is_a_line_with_the_seconds_until_it_began() -> None:
    now = [10.0]
    stream = io.StringIO()
    lines = Lines(stream, lambda: now[0], patience_s=0)
    now[0] = 12.5
    with lines.stage("Converting a"):
        deadline = time.monotonic() + 60
        while not stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.001)
    now[0] = 20.0
    lines.note("done")
    assert stream.getvalue() == "    2.5 s  Converting a\n   10.0 s  done\n"


def test_what_ends_at_once_is_not_told() -> None:
    """Protects quick commands, whose standard error holds what is wrong and nothing else."""
    stream = io.StringIO()
    with Lines(stream, patience_s=60).stage("Measuring a"):
        pass
    assert stream.getvalue() == ""


def test_a_long_stage_tells_how_far_it_is_every_half_minute() -> None:
    """Protects logs of CI: a training of an hour is neither silent nor a line a step."""
    now = [0.0]
    stream = io.StringIO()
    with Lines(stream, lambda: now[0], patience_s=60).stage("Training") as advance:
        for step in range(100):
            now[0] += 1
            advance(step + 1, 100)
    told = [line.split(" s  ")[1] for line in stream.getvalue().splitlines()]
    assert told == ["Training: 30 of 100", "Training: 60 of 100", "Training: 90 of 100"]


def test_a_stream_that_is_gone_loses_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    with Lines(stream).stage("Converting a") as advance:
        advance(1, 1)
    Lines(stream).note("done")
