"""A run that is killed, interrupted, doubled or out of disk: what it keeps, leaves and says."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.store.runs import load_record
from tests.exporter.use_cases.conftest import Done, Workspace


def test_kill_9_in_the_middle_then_run_again(workspace: Workspace, data: list[object]) -> None:
    """Protects resuming: what was converted stays, nothing half-written looks finished."""
    output = workspace.folder / "killed"
    cache = {"MOBILE_EXPORT_CACHE": str(workspace.folder / "cache-killed")}
    arguments = ["run", workspace.model, "--target", "ios", "--target", "android", *data, "--no-measure", "-o", output]
    command, environment = workspace.command(*arguments), {**workspace.environment(), **cache}
    process = subprocess.Popen(command, cwd=workspace.folder, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(output.glob("ios/Model.mlpackage")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (output / "run.json").exists()
    done = workspace.call(*arguments, **cache)
    assert done.returncode == 0, done.stderr
    targets = json.loads((output / "run.json").read_text())["targets"]
    assert "conversion" in targets[0]["from_cache"]
    assert not list(output.rglob(".tmp-*"))


def test_ctrl_c_ends_with_130_and_keeps_the_last_good_run(
    workspace: Workspace, data: list[object], finished: Done
) -> None:
    output = finished.output
    before = (output / "run.json").read_bytes()
    cache = workspace.folder / "cache-interrupted"
    command = workspace.command(
        "run", workspace.model, "--target", "android", *data, "--output", output, "--no-measure"
    )
    environment = {**workspace.environment(), "MOBILE_EXPORT_CACHE": str(cache)}
    process = subprocess.Popen(command, cwd=workspace.folder, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(cache.glob("tmp/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert (output / "run.json").read_bytes() == before


def test_two_runs_at_once_take_turns(workspace: Workspace, data: list[object]) -> None:
    output = workspace.folder / "both"
    arguments = ["run", workspace.model, "--target", "ios", *data, "--output", output, "--no-measure"]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(workspace.call, *arguments) for _ in range(2)]
    assert [one.result().returncode for one in both] == [0, 0]
    load_record(output / "run.json")
    assert (output / "ios" / "Model.mlpackage" / "Manifest.json").is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill")
def test_a_full_disk_is_said_and_leaves_no_half_file(workspace: Workspace, data: list[object], tmp_path: Path) -> None:
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(tmp_path)], capture_output=True)
    if mount.returncode:
        pytest.skip(f"no small file system can be mounted here: {mount.stderr.decode().strip()}")
    try:
        done = workspace.run("--target", "ios", *data, "--no-measure", output=str(tmp_path / "out"))
        assert done.returncode == 3
        assert f"{tmp_path / 'out' / 'ios' / 'Model.mlpackage'} cannot be written: " in done.stderr
        assert "No space left on device. Free some space" in done.stderr
        assert not list((tmp_path / "out").rglob("*.mlpackage"))
        assert not list((tmp_path / "out").rglob(".tmp-*"))
        for path in (tmp_path / "out").rglob("run.json"):  # there where it fitted, and then whole
            assert json.loads(path.read_text())["targets"][0]["artifact"] is None
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill")
@pytest.mark.parametrize("what", ["run.json", "report.html", "cache"])
def test_a_full_disk_names_the_file(what: str, workspace: Workspace, data: list[object], tmp_path: Path) -> None:
    """Protects the user's search: a full disk says which file did not fit, whichever it is."""
    sizes = {"run.json": "4k", "report.html": "36k", "cache": "40k"}
    mount = ["mount", "-t", "tmpfs", "-o", f"size={sizes[what]}", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        if what == "run.json":
            (tmp_path / "full").write_bytes(bytes(4096))
        output = workspace.folder / "elsewhere" if what == "cache" else tmp_path / "out"
        cache = {"MOBILE_EXPORT_CACHE": str(tmp_path)} if what == "cache" else {}
        done = workspace.call("run", workspace.model, "--target", "ios", *data, "--no-measure", "-o", output, **cache)
        assert done.returncode == 3
        named = f"cache {tmp_path}" if what == "cache" else tmp_path / "out" / what
        assert f"{named} cannot be written: No space left on device" in done.stderr
        assert "fault in mobile-export" not in done.stderr
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
