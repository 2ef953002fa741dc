"""convert, verify, inspect and report, each as from the command line."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.exporter.use_cases.conftest import Done, Workspace


@pytest.mark.parametrize(("target", "artifact"), [("android", "model.tflite"), ("ios", "Model.mlpackage")])
def test_verify_passes_the_artifact_and_fails_another_model(
    target: str, artifact: str, finished: Done, workspace: Workspace
) -> None:
    path = finished.output / target / artifact
    good = workspace.call_installed("verify", path, workspace.model, "--target", target, "-f", "json")
    document = json.loads(good.stdout)
    assert document["schema_version"] == 2
    assert document["verdicts"][0]["status"] == "passed"
    other = workspace.folder / "other.py"
    other.write_text(
        f"import runpy\nmodule = runpy.run_path({str(Path(workspace.model.rpartition(':')[0]))!r})\n"
        "def different():\n    net = module['small']()\n    net.head.bias.data += 3\n    return net\n"
    )
    wrong = workspace.call("verify", path, f"{other}:different", "--target", target)
    assert wrong.returncode == 1
    assert "failed" in wrong.stdout


def test_verify_refuses_what_it_cannot_run(workspace: Workspace) -> None:
    for artifact, says in (("nowhere.tflite", "no such file"), ("targets.toml", "can be verified")):
        done = workspace.call("verify", artifact, workspace.model, "--target", "ios")
        assert done.returncode == 2
        assert says in done.stderr


def test_inspect_as_table_and_json(finished: Done, workspace: Workspace) -> None:
    path = finished.output / "android" / "model.tflite"
    text = workspace.call("inspect", path).stdout
    assert re.search(r"effective bits a weight: [89]\.\d\d", text)
    assert "mix.weight" in text
    document = json.loads(workspace.call("inspect", path, "-f", "json").stdout)
    assert document["schema_version"] == 1
    assert document["inspection"]["size_bytes"] == path.stat().st_size


@pytest.mark.parametrize("name", ["cut.tflite", "text.tflite", "empty.tflite", "x.mlpackage", "x.onnx", "x.bin"])
def test_inspect_refuses_damaged_files(name: str, finished: Done, workspace: Workspace) -> None:
    path = workspace.folder / name
    content = (finished.output / "android" / "model.tflite").read_bytes()
    if name == "x.mlpackage":
        shutil.copytree(finished.output / "ios" / "Model.mlpackage", path, dirs_exist_ok=True)
        (path / "Data" / "com.apple.CoreML" / "model.mlmodel").write_bytes(b"damaged")
    else:
        path.write_bytes({"cut.tflite": content[:3000], "empty.tflite": b""}.get(name, b"not a model at all"))
    done = workspace.call("inspect", path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_convert_makes_artifacts_without_running_them(workspace: Workspace, data: list[object], finished: Done) -> None:
    done = workspace.call_installed("convert", workspace.model, "--target", "ios", "--output", "converted")
    assert done.returncode == 0
    assert "Not verified" in done.stdout
    (target,) = json.loads((workspace.folder / "converted" / "run.json").read_text())["targets"]
    assert target["parities"] == []
    assert {verdict["metric"]: verdict["status"] for verdict in target["verdicts"]}["parity.snr"] == "not checked"


def test_report_renders_a_record_again(finished: Done, workspace: Workspace) -> None:
    record = finished.output / "run.json"
    assert "android-wide" in workspace.call("report", record).stdout
    assert json.loads(workspace.call("report", record, "-f", "json").stdout) == finished.record
    workspace.call("report", record, "-f", "html", "-o", "again.html")
    assert (workspace.folder / "again.html").read_text() == (finished.output / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema_version": 99}, "Upgrade mobile-export"),
        ({"schema_version": None}, "has no schema_version"),
        ({"targets": 3}, "damaged at targets"),
    ],
)
def test_report_refuses_what_it_does_not_know(
    change: dict[str, object], says: str, finished: Done, workspace: Workspace
) -> None:
    path = workspace.folder / "changed.json"
    path.write_text(json.dumps({**finished.record, **change}))
    done = workspace.call("report", path)
    assert done.returncode == 2
    assert says in done.stderr


def test_report_draws_what_grew_since_a_baseline(finished: Done, workspace: Workspace) -> None:
    record = finished.output / "run.json"
    done = workspace.call("report", record, "-f", "html", "--baseline", record, "-o", "grown.html")
    assert done.returncode == 0, done.stderr
    page = (workspace.folder / "grown.html").read_text()
    assert "Since the baseline" in page
    assert "mix" in page[page.index("Since the baseline") :]


def test_verify_names_the_layers_in_every_format(finished: Done, workspace: Workspace) -> None:
    """On the terminal, as a page, and as data: the same comparison."""
    for target, artifact in (("android", "model.tflite"), ("ios", "Model.mlpackage")):
        path = finished.output / target / artifact
        page = workspace.folder / f"{target}.html"
        report = ("--report", f"html={page}", "--report", f"json={page.with_suffix('.json')}")
        done = workspace.call("verify", path, workspace.model, "--target", target, "--layers", *report)
        assert done.returncode == 0, done.stderr
        assert "layers with the lowest SNR" in done.stdout
        assert "that were compared is below" in done.stdout
        layers = json.loads(page.with_suffix(".json").read_text())["layers"]
        assert {"stem.0", "mix", "head", "(model)"} <= {layer["module"] for layer in layers["compared"]}
        assert (layers["first"], layers["rule"], layers["not_matched"]) == (None, None, [])
        assert page.read_text().count('class="spot ') == len(layers["compared"])
        assert "http" not in page.read_text()


def test_verify_refuses_to_compare_layers_with_another_model(finished: Done, workspace: Workspace) -> None:
    other = workspace.folder / "unlike.py"
    other.write_text(
        "import torch\nfrom torch import nn\ndef net():\n    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 40), nn.GELU(), nn.Linear(40, 5)).eval()\n"
    )
    path = finished.output / "android" / "model.tflite"
    done = workspace.call("verify", path, f"{other}:net", "--target", "android", "--layers")
    assert done.returncode == 2
    assert "Give the model that it was made from" in done.stderr
