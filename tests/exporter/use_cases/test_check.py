"""`check` as a whole: exit codes, the document, and targets that cannot be looked at."""

import json
from pathlib import Path

import pytest

from exporter.data.errors import MissingExtraError
from exporter.data.progress import Silent
from exporter.data.results.commands import CheckResult
from exporter.data.settings.model import ModelSettings
from exporter.data.verdict import Status
from exporter.formats.registry import format_named
from exporter.report.renderer import render
from exporter.use_cases.check import check
from exporter.use_cases.job.request import RunRequest
from tests.conftest import RunCommand
from tests.exporter.formats.checked import MODELS

SHAPE = ("--input-shape", "image=1,3,8,8")


def looked_at(model: str, *targets: str, folder: Path, strict: bool = False) -> CheckResult:
    settings = ModelSettings.model_validate({"inputs": ({"name": "image", "shape": (1, 3, 8, 8)},)})
    request = RunRequest(f"{MODELS}:{model}", settings, targets, folder, cache_root=folder / "cache", strict=strict)
    return check(request, Silent())


def test_exit_codes_and_the_document(installed: RunCommand, mobile_export: RunCommand) -> None:
    """What CI hangs on: 0, 1 and 2, and JSON on standard output alone."""
    good = installed("check", f"{MODELS}:plain", *SHAPE, "--target", "android-float", "-f", "json")
    assert good.returncode == 0, good.stderr
    document = json.loads(good.stdout)
    assert document["schema_version"] == 1
    (target,) = document["targets"]
    relu = next(one for one in target["found"]["findings"] if one["operator"] == "Relu")
    assert relu["places"] == ["layer inner"]
    assert relu["conversion"]["support"] == "supported"
    bad = mobile_export("check", f"{MODELS}:digamma", *SHAPE, "--target", "android-float", "--target", "ipad-pro-m4")
    assert bad.returncode == 1
    assert "layer inner" in bad.stdout
    assert "checked_models.py, line" in bad.stdout
    assert "polynomial" in bad.stdout
    unknown = mobile_export("check", f"{MODELS}:plain", *SHAPE, "--target", "iphone-99")
    assert unknown.returncode == 2
    assert "iphone-99" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_a_fallback_fails_its_gate_alone(tmp_path: Path) -> None:
    found = looked_at("five_dimensions", "android-gpu", folder=tmp_path)
    assert {verdict.metric: verdict.status for verdict in found.verdicts} == {
        "operators.refused": Status.PASSED,
        "operators.fallback": Status.FAILED,
    }
    assert found.exit_code == 1


def test_a_missing_library_leaves_its_target_unchecked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to install it, and loses no other target."""

    def missing(name: str) -> None:
        raise MissingExtraError(name, "export")

    monkeypatch.setattr(f"{type(format_named('tflite')).__module__}.need", missing)
    found = looked_at("plain", "android-float", "android-onnx", folder=tmp_path)
    without, other = found.checks
    assert without.found is None
    assert "mobile-export[export]" in without.why_not
    assert not without.failed
    assert other.found is not None
    assert found.verdicts[0].status is Status.NOT_CHECKED
    assert found.exit_code == 0
    assert "mobile-export[export]" in render("text", found)


def test_strict_fails_what_could_not_be_checked(tmp_path: Path) -> None:
    assert looked_at("plain", "galaxy-s24", folder=tmp_path).exit_code == 0
    assert looked_at("plain", "galaxy-s24", folder=tmp_path, strict=True).exit_code == 1


def test_a_fault_in_one_target_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(format_named("onnx"), "check", broken)
    found = looked_at("plain", "android-onnx", "android-float", folder=tmp_path)
    assert found.exit_code == 3
    assert found.checks[0].failed
    assert "broken" in found.checks[0].why_not
    assert found.checks[1].found is not None
