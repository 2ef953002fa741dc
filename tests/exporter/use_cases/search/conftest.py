"""A study of a small network, made once: killed, interrupted, and gone on with until it is done."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from exporter.demo.digits import MEAN, STD, load_digits
from exporter.search.study import EVENTS
from tests.exporter.use_cases.search.digits_net import Net
from tests.warm import LIMIT_S, PROGRAM, run_warm

TARGETS = """# The owner's own words.
[targets.ios]
format = "coreml"
minimum_os = "iOS 18"  # since spring
"""
CALIBRATED, HELD_OUT = 64, 240
MODEL = ("--input-shape", "image=1,1,8,8", "--mean", MEAN, "--std", STD)
SEARCH = ("search", "digits_net.py:net", "--target", "ios", *MODEL, "--calibration", "calibration.npz")
EVALUATED = ("--evaluation", "evaluation.npz")
BUDGETS = ("--max-size", "60 kB", "--max-drop", "3")


class Place(NamedTuple):
    """A folder with the network, its data and targets, and a cache of its own."""

    folder: Path

    def call(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """What a command gives here."""
        return run_warm(arguments, self.folder, self.environment)

    def begin(self, *arguments: object) -> "subprocess.Popen[bytes]":
        """The installed program at work here."""
        return subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MOBILE_EXPORT_CACHE": str(self.folder / "cache")}

    def points(self, study: str = "study") -> list[str]:
        """Keys of the points that were tried, in their order."""
        path = self.folder / study / EVENTS
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [event["plan"]["key"] for event in events if event["event"] == "point"]


class Found(NamedTuple):
    """A study, and what became of it on its way.

    Attributes:
        killed: keys of its points after the first process was killed.
        interrupted: after the second was interrupted.
        code: of the interrupted one.
        done: the third, which finished.
    """

    place: Place
    killed: list[str]
    interrupted: list[str]
    code: int
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("search")
    shutil.copy(Path(__file__).with_name("digits_net.py"), folder)
    images, labels = load_digits()
    trained = _trained(images, labels)
    torch.save(trained.state_dict(), folder / "digits.pt")
    torch.export.save(torch.export.export(trained, (torch.zeros(1, 1, 8, 8),)), folder / "digits.pt2")
    np.savez(folder / "calibration.npz", x=images[:CALIBRATED])
    np.savez(folder / "evaluation.npz", x=images[-HELD_OUT:], y=labels[-HELD_OUT:])
    np.savez(folder / "unlabelled.npz", x=images[-HELD_OUT:])
    (folder / "targets.toml").write_text(TARGETS)
    return Place(folder)


@pytest.fixture(scope="session")
def found(place: Place) -> Found:
    """The study that most tests look at."""
    command = (*SEARCH, *EVALUATED, *BUDGETS, "--workers", 2)
    _until_points(place, command, 1, signal.SIGKILL)
    killed = place.points()
    code = _until_points(place, command, len(killed) + 1, signal.SIGINT)
    interrupted = place.points()
    return Found(place, killed, interrupted, code, place.call("search", "--resume"))


def _until_points(place: Place, command: Sequence[object], count: int, number: signal.Signals) -> int:
    """Has the command find so many points, then sends it a signal; gives its exit code."""
    process = place.begin(*command)
    end = time.monotonic() + LIMIT_S
    try:
        while len(place.points()) < count:
            assert process.poll() is None, "it ended before it was to be struck"
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        return process.wait(LIMIT_S)
    finally:
        process.kill()


def _trained(images: Any, labels: Any) -> Net:
    """Random features and a classifier by least squares: a second's work, and 98 % right."""
    torch.manual_seed(0)
    net = Net().eval()
    pixels = (torch.from_numpy(images).float()[:, None] / 255 - MEAN) / STD
    with torch.no_grad():
        read = net.features(pixels[:1000])
        mean, std = read.mean(0), read.std(0) + 1e-3
        rows = torch.cat([(read - mean) / std, torch.ones(len(read), 1)], 1)
        wanted = 10 * torch.nn.functional.one_hot(torch.from_numpy(labels[:1000]), 10).float()
        solved = torch.linalg.solve(rows.mT @ rows + 10 * torch.eye(rows.shape[1]), rows.mT @ wanted)
        net.head.weight.copy_((solved[:-1] / std[:, None]).mT)
        net.head.bias.copy_(solved[-1] - net.head.weight @ mean)
    return net
