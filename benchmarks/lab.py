"""A lab of real phones' software: how busy its phones are, how long discovery takes, and what a crowd costs one.

    python -m benchmarks.lab busy --model model.tflite       # fifteen phones on three hosts, two users
    python -m benchmarks.lab crowd --model model.tflite      # five phones at once against one
    python -m benchmarks.lab discovery                       # twenty phones, three of them hung

Needs root, network namespaces, adb, Debian's adbd (`.ci/debian13`), CMake and a C compiler. The phones are processes of
this computer: what is measured here is the lab, not the models.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from device_harness.process import run
from device_harness.runners.build import build_litert_bench, find_litert_library
from device_harness.runners.platforms import host_platform
from exporter.data.progress import Silent
from exporter.execution.lab.client import Lab
from exporter.execution.lab.connection import LabAddress
from exporter.formats.devices import RunnerChoice
from exporter.formats.registry import format_named
from exporter.use_cases.lab.profile import profile_in_lab
from exporter.use_cases.profile import ProfileRequest
from profilers.plan import ProfilePlan
from tests.exporter.execution.clusters import Namespaces
from tests.fakes.lab import Host, PhoneLab


def main() -> None:
    """Measure, and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        if options.part == "discovery":
            _discovery(Path(folder), options.rounds)
        else:
            _in_a_lab(options, Path(folder))


def _in_a_lab(options: argparse.Namespace, folder: Path) -> None:
    hosts = 1 if options.part == "crowd" else options.hosts
    runner = build_litert_bench(host_platform(), folder=folder)
    lab = PhoneLab(folder / "lab", hosts, options.phones)
    try:
        at = LabAddress(lab.address, lab.tls, patience_s=60)
        took_s = _until_ready(at, hosts * options.phones)
        print(f"{hosts * options.phones} phones on {hosts} hosts were ready after {took_s:.1f} s", flush=True)
        request = _request(options, runner)
        if options.part == "crowd":
            _crowd(at, request, options.rounds)
        else:
            _busy(lab, at, request, options.rounds)
    finally:
        lab.close()


def _discovery(folder: Path, rounds: int) -> None:
    """As `devices` takes it, from the start of the program to its end."""
    with ExitStack() as stack:
        network = Namespaces(1)
        stack.callback(network.close)
        host = Host(folder, "host", network.inside(0), 20, stack)
        for phone in host.phones[3::6]:
            phone.pause_daemon()
            stack.callback(phone.resume_daemon)
        program = [sys.executable, "-c", "from exporter.cli.main import main; main()", "devices", "-f", "json"]
        for _ in range(rounds):
            done = run(
                [*network.inside(0), *program],
                timeout_s=120,
                env={"PATH": f"{host.phones[0].adb.parent}:{os.environ['PATH']}"},
            )
            states = Counter(one["state"] for one in json.loads(done.text)["devices"] if one["kind"] == "adb")
            print(f"{dict(states)} after {done.duration_s:.1f} s")


def _crowd(at: LabAddress, request: ProfileRequest, rounds: int) -> None:
    """One phone and all of them, by turns."""
    one_s: list[float] = []
    all_s: list[float] = []
    for _ in range(rounds):
        for asked, times in (("127.0.0.1:15556@host-0", one_s), ("all", all_s)):
            began = time.monotonic()
            found = profile_in_lab(request, [asked], at, Silent())
            times.append(time.monotonic() - began)
            print(
                f"{len(found)} phones: {times[-1]:.1f} s, {sum(one.error is not None for one in found)} errors",
                flush=True,
            )
    print(f"all at once take {median(all_s) / median(one_s):.2f} times as long as one")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("busy", "crowd", "discovery"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--phones", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--min-s", type=float, default=3.0)
    return parser.parse_args()


def _request(options: argparse.Namespace, runner: Path) -> ProfileRequest:
    plan = ProfilePlan(
        processes=options.processes, min_s=options.min_s, runs=10, warmup_min_s=0.1, energy_repeats=0, cool_down=False
    )
    choice = RunnerChoice("litert_bench", binary=str(runner), library=str(find_litert_library()))
    return ProfileRequest(format_named("tflite"), [options.model], plan, choice)


def _until_ready(at: LabAddress, count: int) -> float:
    began = time.monotonic()
    while True:
        try:
            lab = Lab(at, Silent())
            break
        except Exception as error:
            if time.monotonic() - began > 120:
                raise TimeoutError(str(error)) from error
            time.sleep(0.5)
    while sum(device.state == "ready" for device in lab.devices.values()) < count:
        lab.tend()
        time.sleep(0.1)
        if time.monotonic() - began > 300:
            raise TimeoutError(f"only {sorted(lab.devices)} are there")
    lab.close()
    return time.monotonic() - began


def _busy(lab: PhoneLab, at: LabAddress, request: ProfileRequest, rounds: int) -> None:
    """Two users, each of whom measures on all phones `rounds` times; hosts wrote down how busy those were."""
    errors: list[str] = []

    def use() -> None:
        for _ in range(rounds):
            found = profile_in_lab(request, ["all"], at, Silent())
            errors.extend(f"{one.device}: {one.error}" for one in found if one.error)

    users = [threading.Thread(target=use) for _ in range(2)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    spans = [_span(path) for host in lab.hosts for path in (host.folder / "state" / "jobs").iterdir()]
    phones = sum(len(host.phones) for host in lab.hosts)
    first, last = min(begun for begun, _ in spans), max(over for _, over in spans)
    busy_s = sum(over - begun for begun, over in spans)
    print(f"{len(spans)} measurements, {len(errors)} errors, {busy_s / len(spans):.1f} s each on average")
    print(f"from the first begin to the last end, {last - first:.0f} s: {busy_s / (phones * (last - first)):.1%} busy")
    for error in errors[:5]:
        print(error)


def _span(folder: Path) -> tuple[float, float]:
    """When a job was begun and when its answer was there."""
    return (folder / "task").stat().st_mtime, (folder / "answer").stat().st_mtime


if __name__ == "__main__":
    main()
