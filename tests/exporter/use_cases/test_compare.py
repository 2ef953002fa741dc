"""Two runs compared: sizes by layer and file, and latencies from every sample that both runs kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.data.facts.diff import Change, SizeDiff
from exporter.data.facts.parity import Parity
from exporter.data.results.record import TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.data.verdict import Status
from exporter.gates.comparison import comparison_verdicts
from exporter.report.renderer import render
from exporter.store.runs import write_run
from exporter.use_cases.compare import compare
from exporter.use_cases.figures import accuracy_changes
from profilers.readings import unavailable
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


def run_of(folder: Path, slower: float, energy: bool = True) -> Path:
    """A run whose phone read latency, memory and energy in three processes; `slower` is a factor of all."""
    folder.mkdir()
    (folder / "m.tflite").write_bytes(tflite(2000))
    spread = tuple(1 + place / 1000 for place in range(12))
    made = {"latency": ("s", 0.01), "memory.peak": ("B", 5e7), "energy.inference": ("J", 3e-3)}
    readings = [
        typical.reading(
            metric=metric,
            unit=unit,
            device="R5",
            groups=(4, 4, 4),
            samples=tuple(slower * usual * one for one in spread),
        )
        for metric, (unit, usual) in made.items()
        if energy or unit != "J"
    ]
    if not energy:
        readings.append(unavailable("energy.inference", "J", "no meter", source="none", device="R5"))
    artifact = typical.artifact(path="m.tflite")
    target = TargetRecord(name="t", format="tflite", minimum_os="Android 14", settings={}, artifact=artifact)
    samples = Samples(targets={"t": TargetSamples(profiles={"R5": tuple(readings)})})
    write_run(folder, typical.run(targets=(target,)), samples)
    return folder / "run.json"


def test_memory_and_energy_are_compared_with_intervals_and_judged(tmp_path: Path) -> None:
    before = run_of(tmp_path / "a", 1.0)
    found = compare(before, run_of(tmp_path / "b", 1.1))
    (diff,) = found.diffs
    changes = {one.metric: one for one in diff.figures}
    assert set(changes) == {"median latency", "peak memory", "energy of an inference"}
    assert all(one.low < 0.1 < one.high and one.differs for one in changes.values())
    status = {verdict.metric: verdict.status for verdict in found.verdicts}
    assert status == {
        "regression.size": Status.PASSED,
        "regression.download": Status.PASSED,
        **dict.fromkeys((f"regression.{name.replace(' ', '_')}" for name in changes), Status.FAILED),
    }
    assert (found.exit_code, compare(before, tmp_path / "b" / "run.json", gated=True).exit_code) == (0, 1)
    for form in ("junit", "github", "sarif", "html", "markdown", "text", "json"):
        assert "energy_of_an_inference" in render(form, found).replace("\\", "")


def test_what_got_better_is_no_failure_and_what_is_missing_is_said(tmp_path: Path) -> None:
    found = compare(run_of(tmp_path / "a", 1.0), run_of(tmp_path / "b", 0.9, energy=False), gated=True)
    assert found.exit_code == 0
    assert {verdict.status for verdict in found.verdicts} == {Status.PASSED}
    assert "energy of an inference: not compared: it is unavailable (on R5)" in found.diffs[0].notes


@pytest.mark.parametrize(("lost", "status"), [(10, Status.PASSED), (80, Status.FAILED)])
def test_an_accuracy_fails_where_all_of_its_interval_is_a_loss(lost: int, status: Status) -> None:
    (change,) = accuracy_changes(accuracy(10, 0), accuracy(lost, 0))
    nothing = Change(name="size", before=1, after=1)
    diff = SizeDiff(before="a", after="b", size=nothing, download=None, groups={}, figures=(change,))
    assert [verdict.status for verdict in comparison_verdicts([diff], "error")] == [Status.PASSED, status]
