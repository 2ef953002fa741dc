"""Evaluation data on a phone: kept there by its digest, run there in batches; real adb, real daemon, real runner."""

import os
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from device_harness import kept
from device_harness.errors import StorageFullError
from device_harness.kept import DAYS, FOLDER, keep
from device_harness.runners.build import find_litert_library
from device_harness.runners.litert_bench import LitertBench
from exporter.formats.artifact_runner import Answered
from exporter.store.cache import Cache
from exporter.use_cases.devices import accuracy
from exporter.use_cases.devices.accuracy import There
from profilers.losses import Losses, Unleased
from profilers.plan import ProfilePlan
from tests.fakes.adbd import AdbdRig


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(200_000))
    return path


def test_data_is_sent_once_and_goes_by_the_rule(
    phone: AdbdRig, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept after the session, sent anew when it was damaged, removed when unused for days or when room is needed."""
    with phone.open() as device:
        remote = keep(device, data)
    there = phone.on_device(remote)
    assert there.parent.name == FOLDER
    assert there.read_bytes() == data.read_bytes()
    old, node = there.with_name("old"), there.stat().st_ino
    old.write_bytes(b"old")
    os.utime(old, (time.time() - (DAYS + 2) * 86400,) * 2)
    with phone.open() as device:
        assert keep(device, data) == remote
        assert there.stat().st_ino == node  # not sent again
        assert not old.exists()
        there.write_bytes(b"damaged")
        assert keep(device, data) == remote
        assert there.read_bytes() == data.read_bytes()
        other = tmp_path / "other.bin"
        other.write_bytes(os.urandom(150_000))
        monkeypatch.setattr(kept, "MOST_BYTES", 250_000)
        assert phone.on_device(keep(device, other)).exists()
        assert not there.exists()  # the one that was used longest ago
        monkeypatch.setattr(kept, "MOST_BYTES", 1000)
        with pytest.raises(StorageFullError, match=r"no room for 0 MB of evaluation data: [0-9]+ KiB are free"):
            keep(device, data)
    for file in there.parent.iterdir():
        file.unlink()


class Vww:
    """The model's inputs and outputs as they are; what this machine computes is taken to be what the phone does."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self._name, self._shape = name, shape
        self.learnt: list[dict[str, Any]] = []

    def encoded(self, inputs: Any) -> dict[str, Any]:
        return {self._name: inputs[0].reshape(self._shape)}

    def computed_here(self, inputs: Any) -> dict[str, Any]:
        return self.learnt[-1]

    def learn(self, inputs: Any, outputs: dict[str, Any]) -> None:
        self.learnt.append(dict(outputs))


def test_the_phone_computes_what_litert_computes_here(
    phone: AdbdRig, litert_bench: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the connection is cut in the middle of the set: that batch is done again, the others are not."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    (given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = tuple(map(int, given["shape"]))
    images = np.random.default_rng(0).integers(-128, 128, (7, *shape)).astype(np.int8)
    monkeypatch.setattr(accuracy, "BATCH", 3)
    answered = Vww(given["name"], shape)
    with phone.open() as device:
        runner = LitertBench(litert_bench, find_litert_library())
        said: list[str] = []
        cut = {"times": 0}

        def batch(run: Any) -> list[Any]:
            return [images[run[0]]]

        plain = runner.run

        def run(where: Any, request: Any) -> Any:
            if request.first == 3 and not cut["times"]:
                cut["times"] = 1
                phone.cut()
            return plain(where, request)

        monkeypatch.setattr(runner, "run", run)
        losses = Losses(device, Unleased(), said.append)
        runs = [(number,) for number in range(len(images))]
        plan, cache = ProfilePlan.desk_check(), Cache(tmp_path / "cache")
        found = There(device, runner, model, plan, cast("Answered", answered), runs, batch, cache, losses).compute()
    assert found.name.endswith("computed on Pixel 8 (" + device.serial + ")")
    for image, outputs in zip(images, answered.learnt, strict=True):
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        assert np.array_equal(outputs[wanted["name"]], interpreter.get_tensor(wanted["index"]))
    assert cut["times"] == 1
    assert phone.leftovers() == []
