"""One target's trouble is its own: whatever strikes it, the others are finished, recorded and reported."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import ToolError, UsageProblem
from exporter.data.progress import Silent
from exporter.data.results.commands import RunResult
from exporter.data.results.record import RunRecord
from exporter.data.settings.model import ModelSettings
from exporter.data.verdict import Status
from exporter.execution.interrupts import noticing_interrupts
from exporter.execution.isolation import Trouble, attempt
from exporter.report.renderer import render
from exporter.store.runs import load_record
from exporter.use_cases import run as main_job
from exporter.use_cases.job import compare, weigh
from exporter.use_cases.job.convert import convert
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.work import Stage, TargetWork
from tests.conftest import RunCommand
from tests.exporter.use_cases.conftest import Workspace

MODEL = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
"""
TARGETS = """
[targets.first]
format = "tflite"
minimum_os = "Android 12"
tolerances.snr_db = 40
budgets = { size = "1 MB", download = "1 MB" }

[targets.second]
extends = "first"
"""


class Panic(BaseException):
    """As pyo3's, which is no Exception."""


STRUCK = [
    AssertionError("a library's"),
    KeyError("name"),
    RuntimeError(),
    MemoryError(),
    OSError(28, "No space left", "f"),
    SystemExit(1),
    Panic("rust"),
    ToolError("tool"),
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> RunRequest:
    """For two TFLite targets of a small network."""
    folder = tmp_path_factory.mktemp("isolation")
    (folder / "net.py").write_text(MODEL)
    (folder / "t.toml").write_text(TARGETS)
    return RunRequest(
        spec=f"{folder / 'net.py'}:net",
        settings=ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 4)},)}),
        target_names=("first", "second"),
        output=folder / "out",
        targets_file=folder / "t.toml",
        cache_root=folder / "cache",
        measure=False,
    )


@pytest.fixture
def job(asked: RunRequest, tmp_path: Path) -> Callable[[], RunRecord]:
    """Runs them in this process, with a cache that is empty."""
    own = replace(asked, output=tmp_path / "out", cache_root=tmp_path / "cache")
    return lambda: main_job.run(own, Silent())


@pytest.fixture(scope="module")
def converted(asked: RunRequest) -> Path:
    """A cache that has what they are converted to, and nothing else of their run."""
    main_job.run(replace(asked, verify=False), Silent())
    return asked.cache_root


@pytest.fixture
def later_job(job: Callable[[], RunRecord], converted: Path, tmp_path: Path) -> Callable[[], RunRecord]:
    """As `job`, with their conversions in the cache."""
    shutil.copytree(converted, tmp_path / "cache")
    return job


def struck(stage: Stage, error: BaseException) -> Stage:
    """`stage`, which fails for the target called first."""

    def call(model: ModelAtHand, work: TargetWork) -> TargetWork:
        if work.target.name == "first":
            raise error
        return stage(model, work)

    return call


def strike(monkeypatch: pytest.MonkeyPatch, stage: Stage, error: BaseException) -> None:
    """Have `error` strike the first target in `stage`."""
    stages = tuple(struck(one, error) if one is stage else one for one in main_job.STAGES)
    monkeypatch.setattr(main_job, "STAGES", stages)


@pytest.mark.parametrize("error", STRUCK, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("stage", main_job.STAGES, ids=lambda stage: stage.__name__)
def test_whatever_strikes_one_target_the_other_is_finished(
    stage: Stage,
    error: BaseException,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What is struck while it converts has no conversion yet, and neither has the other."""
    job: Callable[[], RunRecord] = request.getfixturevalue("job" if stage is convert else "later_job")
    strike(monkeypatch, stage, error)
    record = job()
    first, second = record.targets
    assert record.exit_code == 3
    assert first.error
    assert second.error is None
    assert {verdict.status for verdict in second.verdicts} == {Status.PASSED}
    assert (tmp_path / "out" / "second" / "model.tflite").is_file()
    assert load_record(tmp_path / "out" / "run.json") == record
    assert "A tool failed" in render("html", RunResult(record, Path()))
    if stage is not convert:
        assert first.artifact is not None
        assert first.inspection is not None
        assert (tmp_path / "out" / first.artifact.path).is_file()


def test_an_earlier_run_s_artifact_is_not_taken_for_this_one_s(
    job: Callable[[], RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays, for it is the user's; that it is not of this run is said."""
    assert not any(target.warnings for target in job().targets)
    strike(monkeypatch, convert, ToolError("the converter failed"))
    first, second = job().targets
    assert first.artifact is None
    assert "first/model.tflite is of an earlier run" in first.warnings[0]
    assert second.artifact is not None
    assert not second.warnings


def test_a_failed_verification_is_not_checked_with_its_reason(
    job: Callable[[], RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects against a good artifact that is lost, and against a gate passed that nobody checked."""

    def fails(*_: Any) -> Any:
        raise ValueError("math domain error")

    monkeypatch.setattr(compare, "compare", fails)
    first = job().targets[0]
    statuses = {verdict.metric: verdict for verdict in first.verdicts}
    assert statuses["parity.snr"].status is Status.NOT_CHECKED
    assert "math domain error" in statuses["parity.snr"].reason
    assert statuses["size"].status is Status.PASSED
    assert "This is a fault in mobile-export" in (first.error or "")


def test_a_download_that_cannot_be_measured_is_not_checked(
    job: Callable[[], RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise IndexError("beyond")

    monkeypatch.setattr(weigh, "measure", fails)
    record = job()
    assert record.exit_code == 3
    assert [v.status for v in record.verdicts() if v.metric == "download"] == [Status.NOT_CHECKED] * 2


def test_a_fault_before_any_target_still_writes_the_record(
    job: Callable[[], RunRecord], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: Any) -> Any:
        raise AssertionError("of ours")

    monkeypatch.setattr(main_job, "_refuse_early", fails)
    record = job()
    assert record.exit_code == 3
    assert all("of ours" in (target.error or "") for target in record.targets)
    assert load_record(tmp_path / "out" / "run.json") == record
    assert "of ours" in render("html", RunResult(record, Path()))


def test_errors_raised_on_purpose_before_the_work_refuse_at_once(
    job: Callable[[], RunRecord], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: Any) -> Any:
        raise UsageProblem("no such data")

    monkeypatch.setattr(main_job, "_refuse_early", fails)
    with pytest.raises(UsageProblem, match="no such data"):
        job()
    assert not (tmp_path / "out").exists()


def test_what_data_lacks_is_recorded_once_and_looking_loses_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the reader: both the first and a cached run say that the calibration data is zero."""
    import numpy as np

    from exporter.use_cases.job import model as at_hand

    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "t.toml").write_text(TARGETS)
    np.savez(tmp_path / "zero.npz", x=np.zeros((3, 4), np.float32))
    request = RunRequest(
        spec=f"{tmp_path / 'net.py'}:net",
        target_names=("first",),
        output=tmp_path / "out",
        settings=ModelSettings.model_validate({"inputs": ({"name": "x", "shape": (1, 4)},)}),
        verify=False,
        targets_file=tmp_path / "t.toml",
        cache_root=tmp_path / "cache",
        measure=False,
        calibration=str(tmp_path / "zero.npz"),
    )
    runs = [main_job.run(request, Silent()).warnings for _ in range(2)]
    assert runs[0] == runs[1]
    assert "input x is zero everywhere in all 3 examples" in runs[0][0]

    def fails(*_: Any) -> Any:
        raise AssertionError("of ours")

    monkeypatch.setattr(at_hand, "calibration_warnings", fails)
    record = main_job.run(replace(request, cache_root=tmp_path / "empty"), Silent())
    assert "AssertionError: of ours\nThis is a fault in mobile-export" in (record.error or "")
    assert record.targets[0].error is None
    assert record.exit_code == 3
    assert "of ours" in render("html", RunResult(record, Path()))


def test_ctrl_c_is_nobody_s_trouble() -> None:
    """Protects Ctrl-C: it ends the run also where a library makes an error of its own of it."""

    def swallowing() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("of a library") from None

    with noticing_interrupts(), pytest.raises(KeyboardInterrupt):
        attempt(swallowing)
    nothing: dict[str, str] = {}
    result = attempt(lambda: nothing["absent"])
    assert isinstance(result, Trouble)
    assert "\n" not in result.reason


def test_input_found_wrong_at_work_is_exit_2_and_loses_nothing(workspace: Workspace, data: list[object]) -> None:
    own = workspace.folder / "rule.toml"
    rules = '[targets.nothing]\nextends = "android"\nquantization.rules = [{ op_name = "no_such_layer" }]\n'
    own.write_text((workspace.folder / "targets.toml").read_text() + rules)
    done = workspace.run(
        "--targets", own, "--target", "nothing", "--target", "android", *data, "--no-measure", output="rule"
    )
    assert done.returncode == 2
    assert "error: nothing: " in done.stderr
    assert "no_such_layer" in done.stderr
    assert "Some input was wrong" in done.stdout
    nothing, android = done.record["targets"]
    assert nothing["artifact"] is None
    assert {verdict["status"] for verdict in android["verdicts"]} == {"passed"}
    assert "no_such_layer" in (done.output / "report.html").read_text()


def test_names_that_look_like_markup_are_text_everywhere(tmp_path: Path, mobile_export: RunCommand) -> None:
    """Protects the end of a run that passed: rich took `[/x]` of a file's name for a closing tag."""
    folder = tmp_path / "m["
    folder.mkdir()
    (folder / "x].py").write_text(MODEL)
    (tmp_path / "t.toml").write_text('[targets."[/b] :smile:"]\nformat = "tflite"\nminimum_os = "Android 12"\n')
    target = ["--targets", "t.toml", "--target", "[/b] :smile:", "--input-shape", "x[red]=1,4"]
    done = mobile_export("run", "m[/x].py:net", *target, "--no-measure", "-o", "o[/i]")
    assert done.returncode == 0, done.stderr
    for name in ("m[/x].py:net", "[/b] :smile:", "o[/i]"):
        assert name in done.stdout
