"""Hand-offs of a real run: each format's artifact, in its own runtime; and those that a run makes itself."""

import json
from pathlib import Path

import numpy as np

from tests.exporter.use_cases.conftest import Done, Workspace


def test_each_artifact_of_a_run_is_handed_off(workspace: Workspace, finished: Done, images: Path) -> None:
    done = workspace.call(
        "handoff", finished.output, "--evaluation", images, "--cases", 2, "-o", "handed", "-f", "json"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)["handoffs"]
    assert [(one["name"], one["dependencies"][0]["language"]) for one in document] == [
        ("android", "kotlin"),
        ("android-wide", "kotlin"),
        ("ios", "swift"),
    ]
    for one in document:
        folder = workspace.folder / "handed" / one["name"]
        for case in one["cases"]:
            assert list(np.load(folder / case["inputs"][0]).shape) == one["inputs"][0]["shape"]
            assert list(np.load(folder / case["outputs"][0]).shape) == one["outputs"][0]["shape"]
        assert one["sha256"] in (folder / "README.md").read_text()


def test_a_run_hands_off_what_it_made(workspace: Workspace, data: list[object], finished: Done) -> None:
    """Nothing of the user's is overwritten, which is said before anything is converted."""
    again = ("--target", "android", *data, "--handoff", "--no-measure")
    done = workspace.run(*again, output="shipped")
    assert done.returncode == 0, done.stderr
    folder = done.output / "android" / "handoff"
    assert json.loads((folder / "handoff.json").read_text())["drawn"] is False
    (folder / "notes.txt").write_text("mine")
    refused = workspace.run(*again, output="shipped")
    assert refused.returncode == 2
    assert "notes.txt is none of a hand-off's files" in refused.stderr
    assert (folder / "notes.txt").read_text() == "mine"
