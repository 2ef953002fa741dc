"""The obligations of `device_harness.runners.runner.Runner`, as tests.

Derive a class whose name begins with ``Test`` from `RunnerContract`, with fixtures `runner`, `device` and `model`.
"""

import hashlib
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest

from device_harness.errors import CommandFailedError
from device_harness.protocol import Device
from device_harness.runners.bench_document import BenchDocument
from device_harness.runners.documents import DocumentRunner
from device_harness.runners.in_process import LitertInProcess
from device_harness.runners.runner import Runner, RunRequest


def request_for(model: str, **changes: Any) -> RunRequest:
    """A short run."""
    request = RunRequest(model=model, warmup_runs=2, warmup_min_s=0, runs=3, min_s=0, limit_s=60, threads=1)
    return request._replace(**changes)


class RunnerContract:
    """Runs against every implementation that prints a bench document."""

    def test_counts_are_exact(self, runner: Runner[BenchDocument], device: Device, model: Path) -> None:
        """Neither fewer inferences than asked for, nor warm-ups among them."""
        runner.prepare(device)
        document = runner.run(device, request_for(runner.place(device, model, f"1-{model.name}")))
        assert (len(document.warmup_latencies_s), len(document.latencies_s)) == (2, 3)

    def test_each_run_is_a_new_process(self, runner: Runner[BenchDocument], device: Device, model: Path) -> None:
        """Peak memory and processor time are those of one model."""
        runner.prepare(device)
        request = request_for(runner.place(device, model, f"1-{model.name}"))
        assert runner.run(device, request).pid != runner.run(device, request).pid

    def test_a_phase_ends_at_the_limit(self, runner: Runner[BenchDocument], device: Device, model: Path) -> None:
        """Of the request, not at one of the runner's own."""
        runner.prepare(device)
        remote = runner.place(device, model, f"1-{model.name}")
        document = runner.run(device, request_for(remote, runs=10**9, limit_s=0.2))
        assert document.clock.measure_end_s - document.clock.measure_start_s < 5

    def test_a_damaged_model_is_an_error(
        self, runner: Runner[BenchDocument], device: Device, model: Path, tmp_path: Path
    ) -> None:
        """With the program's words and the file's name; never an empty result."""
        damaged = tmp_path / f"damaged{model.suffix}"
        damaged.write_bytes(b"no model")
        runner.prepare(device)
        with pytest.raises(CommandFailedError, match="damaged"):
            runner.run(device, request_for(runner.place(device, damaged, damaged.name)))


class TurnsContract:
    """Runs against every implementation of `DocumentRunner`; fixtures as for `RunnerContract`."""

    def test_processes_take_turns(self, runner: DocumentRunner, device: Device, model: Path) -> None:
        """No inference of one falls into a turn of another, and each comes first in its turn."""
        runner.prepare(device)
        remote = runner.place(device, model, f"1-{model.name}")
        found = runner.run_in_turns(device, [request_for(remote, runs=6, min_s=0.1)] * 2)
        assert len({document.pid for document in found}) == 2
        turns = sorted((turn, side) for side, document in enumerate(found) for turn in spans(document))
        assert all(first[0][1] <= second[0][0] for first, second in pairwise(turns))
        both = 2 * min(len(document.turns) for document in found)  # a machine under load may end one after its first
        assert [side for _, side in turns][:both] == ([1, 0, 0, 1] * both)[:both]
        assert all(sum(document.turns) == len(document.latencies_s) >= 6 for document in found)

    def test_one_that_fails_ends_the_others(
        self, runner: DocumentRunner, device: Device, model: Path, tmp_path: Path
    ) -> None:
        """Its own words are told, and nobody waits for it in vain."""
        damaged = tmp_path / f"damaged{model.suffix}"
        damaged.write_bytes(b"no model")
        runner.prepare(device)
        placed = [runner.place(device, one, one.name) for one in (model, damaged)]
        with pytest.raises(CommandFailedError, match="damaged"):
            runner.run_in_turns(device, [request_for(one) for one in placed])

    def test_examples_are_run_in_their_order(
        self, runner: DocumentRunner, device: Device, model: Path, tmp_path: Path
    ) -> None:
        """Each example's outputs are those that it has alone, and examples before the first are passed over."""
        runner.prepare(device)
        remote, given = runner.place(device, model, f"1-{model.name}"), LitertInProcess()
        alone = []
        for seed in range(3):
            folder = tmp_path / str(seed)
            folder.mkdir()
            kept = request_for(str(model), runs=1, seed=seed, input_folder=str(folder), output_folder=str(folder))
            alone.append(given.run(device, kept))
        name = alone[0].inputs[0].name
        (tmp_path / "all.bin").write_bytes(
            b"".join((tmp_path / str(seed) / "input_0.bin").read_bytes() for seed in range(3))
        )
        several = request_for(remote, warmup_runs=0, inputs={name: device.push(tmp_path / "all.bin", "all.bin")})
        document = runner.run(device, several._replace(first=1, examples=2, output_folder=device.workspace))
        assert len(document.latencies_s) == 2
        output = Path(document.outputs[0].file or "").read_bytes()
        halves = [output[: len(output) // 2], output[len(output) // 2 :]]
        assert [hashlib.sha256(one).hexdigest() for one in halves] == [one.outputs[0].sha256 for one in alone[1:]]
        assert document.outputs[0].sha256 == alone[2].outputs[0].sha256
        with pytest.raises(CommandFailedError):
            runner.run(device, several._replace(first=2, examples=2, output_folder=device.workspace))


def spans(document: BenchDocument) -> Iterator[tuple[float, float]]:
    """Begin and end of each turn."""
    ends = list(accumulate(document.turns, initial=0))
    for first, end in pairwise(ends):
        yield document.starts_s[first], document.starts_s[end - 1] + document.latencies_s[end - 1]
