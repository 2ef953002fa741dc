"""Evaluation data on a device: every example computed once, in batches; what was finished is kept; the rest is told."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from device_harness.errors import DeviceDisconnectedError, DeviceError, UnreadableOutputError
from device_harness.facts import DeviceInfo
from device_harness.protocol import Capabilities
from device_harness.runners.bench_document import BenchDocument, Tensor
from device_harness.runners.runner import Runner, RunRequest
from exporter.formats.artifact_runner import Answered
from exporter.store.cache import Cache
from exporter.use_cases.devices import accuracy
from exporter.use_cases.devices.accuracy import There, checked
from profilers.losses import Losses, Unleased
from profilers.plan import ProfilePlan
from tests.profilers.apple.test_placement import SAMPLE

DATA = np.arange(20, dtype=np.float32).reshape(10, 2)
CABLE = DeviceDisconnectedError("the cable.")


class Phone:
    """A device with a folder; it comes back as often as it is told."""

    serial = "SERIAL"

    def __init__(self, folder: Path, *, back: bool) -> None:
        folder.mkdir()
        self.workspace, self._back = str(folder), back
        self.can = Capabilities(resuming=self)

    def info(self) -> DeviceInfo:
        return DeviceInfo(serial=self.serial, kind="adb", connection="here", model="Pixel 8")

    def push(self, source: Path, name: str) -> str:
        return str(shutil.copy(source, Path(self.workspace, name)))

    def pull(self, path: str, destination: Path) -> None:
        shutil.copy(path, destination)

    def resume(self, limit_s: float) -> None:
        if not self._back:
            raise DeviceDisconnectedError("it is not there.")


class Doubling:
    """A runner whose model gives twice its input; `spoil` changes what it wrote, `faults` are raised at those calls."""

    name = "doubling"

    def __init__(self, *faults: int, spoil: Callable[[Path], None] | None = None) -> None:
        self.asked: list[tuple[int, int]] = []
        self._faults, self._spoil, self._calls = faults, spoil, 0

    def prepare(self, device: Any) -> None:
        pass

    def place(self, device: Phone, model: Path, name: str) -> str:
        return device.push(model, name)

    def run(self, device: Phone, request: RunRequest) -> BenchDocument:
        self._calls += 1
        if self._calls in self._faults:
            raise CABLE
        self.asked.append((request.first, request.examples))
        given = np.fromfile(request.inputs["x"], dtype=np.float32).reshape(-1, 2)
        found = 2 * given[request.first : request.first + request.examples]
        file = Path(request.output_folder or "", "output_0.bin")
        file.write_bytes(found.tobytes())
        digest = hashlib.sha256(found[-1].tobytes()).hexdigest()
        if self._spoil is not None:
            self._spoil(file)
        output = Tensor(name="y", dtype="float32", shape=(2,), sha256=digest, file=str(file))
        return SAMPLE.model_copy(update={"outputs": (output,)})


class Here:
    """The same model on this machine; `learnt` is what it was taught."""

    def __init__(self) -> None:
        self.learnt: list[NDArray[Any]] = []

    def encoded(self, inputs: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"x": inputs[0]}

    def computed_here(self, inputs: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"y": 2 * inputs[0]}

    def learn(self, inputs: Sequence[NDArray[Any]], outputs: dict[str, NDArray[Any]]) -> None:
        self.learnt.append(outputs["y"])


class Desk:
    """One artifact and its data; each `there` is a new session with the phone."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.here, self._sessions = folder, Here(), 0
        (folder / "model.tflite").write_bytes(b"model")

    def there(self, runner: Doubling, *, back: bool = True, accelerator: str = "cpu") -> There:
        self._sessions += 1
        phone: Any = Phone(self.folder / str(self._sessions), back=back)
        plan = ProfilePlan.desk_check(accelerator=accelerator)
        losses = Losses(phone, Unleased(), lambda words: None)
        runs = [(number,) for number in range(len(DATA))]
        cache, here, judged = (
            Cache(self.folder / "cache"),
            cast("Answered", self.here),
            cast("Runner[BenchDocument]", runner),
        )
        return There(
            phone, judged, self.folder / "model.tflite", plan, here, runs, lambda run: [DATA[run[0]]], cache, losses
        )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(accuracy, "BATCH", 4)
    return Desk(tmp_path)


def test_every_example_is_computed_once_and_told_where(desk: Desk) -> None:
    runner = Doubling()
    computed = desk.there(runner).compute()
    assert runner.asked == [(0, 4), (4, 4), (8, 2)]
    assert np.array_equal(np.stack(desk.here.learnt), 2 * DATA)
    assert computed.name.endswith(", computed on Pixel 8 (SERIAL)")
    assert computed.check.identical
    assert computed.check.reason.startswith("10 of 10 examples")


def test_a_connection_that_comes_back_costs_one_batch(desk: Desk) -> None:
    runner = Doubling(2)
    desk.there(runner).compute()
    assert runner.asked == [(0, 4), (4, 4), (8, 2)]


def test_a_device_that_stays_away_leaves_its_batches_for_the_next_command(desk: Desk) -> None:
    """Finished work is kept, said, and used once; after the end everything is computed anew."""
    with pytest.raises(DeviceDisconnectedError, match=r"not there\. 8 of 10 examples were computed, and are kept"):
        desk.there(Doubling(3), back=False).compute()
    again = Doubling()
    desk.there(again).compute()
    assert again.asked == [(8, 2)]
    assert np.array_equal(np.stack(desk.here.learnt), 2 * DATA)
    anew = Doubling()
    desk.there(anew).compute()
    assert len(anew.asked) == 3


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))


@pytest.mark.parametrize(("spoil", "said"), [(cut, "has 7 values, not 8"), (flip, "another digest")])
def test_what_arrives_damaged_is_refused(desk: Desk, spoil: Callable[[Path], None], said: str) -> None:
    """Nothing is judged by it, and it is not kept."""
    with pytest.raises(UnreadableOutputError, match=said):
        desk.there(Doubling(spoil=spoil)).compute()
    anew = Doubling()
    desk.there(anew).compute()
    assert len(anew.asked) == 3


def test_the_cpu_does_not_stand_for_an_accelerator(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    used = SAMPLE.acceleration.model_copy(update={"used": "cpu"})
    monkeypatch.setitem(globals(), "SAMPLE", SAMPLE.model_copy(update={"acceleration": used}))
    with pytest.raises(DeviceError, match="the GPU was asked for, and the CPU computed it"):
        desk.there(Doubling(), accelerator="gpu").compute()


def test_a_value_that_is_none_fails_and_is_counted() -> None:
    """NaN on the device is wrong; where this machine has one itself, nothing is said."""
    broken = DATA.copy()
    broken[3, 1] = np.nan
    found = checked({"y": DATA}, {"y": broken})
    assert found.wrong
    assert "1 of 20 values are NaN" in found.reason
    assert not checked({"y": broken}, {"y": DATA}).checked
