"""Two runs compared: sizes by layer and file, and latencies from every sample that both runs kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.data.facts.parity import Parity
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.report.renderer import render
from exporter.store.runs import write_run
from exporter.use_cases.compare import compare
from exporter.use_cases.figures import accuracy_changes
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
    assert diff.figures == ()


def accuracy(lost: int, gained: int, source: float = 0.9, samples: int = 1000) -> TargetRecord:
    """A target whose artifact has `lost` examples wrong that its source has right, and `gained` the other way round."""
    top1 = source - (lost - gained) / samples
    facts = {"data": "digits", "samples": samples, "evaluator": "LiteRT 2.1.0", "cosine": 1, "max_abs_error": 0}
    more = {"snr_db": 30, "top1": top1, "source_top1": source, "top1_lost": lost, "top1_gained": gained}
    parity = Parity.model_validate({**facts, **more})
    return TargetRecord(name="t", format="tflite", minimum_os="Android 14", settings={}, parities=(parity,))


@pytest.mark.parametrize(("lost", "differs"), [(14, False), (80, True)])
def test_accuracies_of_two_runs_are_compared_with_an_interval(lost: int, differs: bool) -> None:
    """Four examples more of a thousand are chance; seventy are not."""
    (found,) = accuracy_changes(accuracy(10, 0), accuracy(lost, 0))
    assert found.change == pytest.approx(-(lost - 10) / 10)
    assert found.low < found.change < found.high
    assert found.differs is differs
    assert found.where == "digits"


def test_accuracies_of_other_sources_or_data_are_not_compared() -> None:
    """Another source is another model: the change says nothing of the artifact."""
    (found,) = accuracy_changes(accuracy(10, 0), accuracy(80, 0, source=0.95))
    assert found.differs is None
    assert "another" in found.reason
    assert list(accuracy_changes(accuracy(10, 0), accuracy(10, 0, samples=500))) == []


def test_figures_of_two_runs_are_in_markdown(tmp_path: Path) -> None:
    """What a pull request's comment shows."""
    found = compare(run_in(tmp_path / "a", 0.010), run_in(tmp_path / "b", 0.020))
    (figure,) = found.diffs[0].figures
    assert (figure.differs, figure.change) == (True, pytest.approx(1.0))
    text = render("markdown", found)
    assert "| median latency | this machine |" in text
    assert "differs" in text
