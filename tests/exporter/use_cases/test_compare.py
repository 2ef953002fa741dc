"""Two runs compared: sizes by layer and file, and latencies from every sample that both runs kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.store.runs import write_run
from exporter.use_cases.compare import compare
from tests.exporter import typical
from tests.exporter.sizes.builders import tflite

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def run_in(folder: Path, seconds: float, threads: str = "1", machine: str = "cpu") -> Path:
    """A run of one target whose latency is about `seconds` in three processes."""
    folder.mkdir()
    (folder / "m.tflite").write_bytes(tflite(2000))
    samples = tuple(seconds * (1 + place / 1000) for place in range(12))
    latency = typical.reading(samples=samples, groups=(4, 4, 4), conditions={"threads": threads})
    artifact = typical.artifact(path="m.tflite")
    target = TargetRecord(name="t", format="tflite", minimum_os="Android 14", settings={}, artifact=artifact)
    record = typical.run(machine={"processor": machine}, targets=(target,))
    write_run(folder, record, Samples(targets={"t": TargetSamples(host=(latency,))}))
    return folder / "run.json"


@pytest.mark.parametrize(("seconds", "words"), [(0.010, "no difference shown: +0.0 %"), (0.020, "differs: +100.0 %")])
def test_latencies_of_two_runs_are_compared_by_their_samples(tmp_path: Path, seconds: float, words: str) -> None:
    (diff,) = compare(run_in(tmp_path / "a", 0.010), run_in(tmp_path / "b", seconds)).diffs
    (note,) = diff.notes
    assert note.startswith(f"latency on this machine: {words}")


def test_latencies_of_other_conditions_or_machines_are_not_compared(tmp_path: Path) -> None:
    """Four threads against one, or another computer, say nothing of the model."""
    before = run_in(tmp_path / "a", 0.010)
    (note,) = compare(before, run_in(tmp_path / "b", 0.02, threads="4")).diffs[0].notes
    assert note == "latency on this machine: not compared: threads was 1, is 4"
    assert compare(before, run_in(tmp_path / "c", 0.02, machine="other")).diffs[0].notes == ()


def test_a_record_without_its_samples_still_tells_its_sizes(tmp_path: Path) -> None:
    before, after = run_in(tmp_path / "a", 0.010), run_in(tmp_path / "b", 0.010)
    (tmp_path / "a" / "samples.json").unlink()
    (diff,) = compare(before, after).diffs
    assert diff.size.before == 2000
    assert "latencies are not compared" in diff.notes[0]
