"""Readings of a .tflite model on this machine, with LiteRT's Python interpreter in fresh processes."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device_harness import process
from device_harness.bench_document import BenchDocument, parse_bench_document
from device_harness.errors import CommandFailedError
from profilers.documents import document_readings
from profilers.energy import LoadWindow, energy_per_inference
from profilers.plan import ProfilePlan
from profilers.rapl import RaplSampler, RaplUnavailableError, package_domains
from profilers.readings import Obtained, Reading, unavailable

HERE = "this machine"
# Importing numpy and LiteRT and printing the document, on a slow machine.
START_UP_S = 60.0


def host_readings(model: Path, plan: ProfilePlan) -> tuple[Reading, ...]:
    """Latency, load time, processor time, memory and energy of one inference of `model` on this machine.

    Each of `plan.processes` loads the model anew, so that peak memory and processor time are the model's, and so that
    the spread between processes is seen. Energy takes runs of its own.

    Args:
        model: a .tflite file; its inputs are filled with random values of their types.
        plan: how often and how long.

    Raises:
        CommandFailedError: LiteRT is not installed, or refused the model.
        CommandTimeoutError: a process took longer than `plan.limit_s`.
    """
    taken_at = datetime.now(UTC)
    documents = [run_in_process(model, plan) for _ in range(plan.processes)]
    readings = document_readings(documents, device=HERE, conditions=plan.conditions(), taken_at=taken_at)
    return (*readings, _energy(model, plan, documents[0].runner.runtime))


def run_in_process(model: Path, plan: ProfilePlan, *, min_s: float | None = None,
                   extra: tuple[str, ...] = ()) -> BenchDocument:  # fmt: skip
    """One fresh Python process that loads `model` and runs it; `min_s` replaces the plan's.

    Args:
        model: a .tflite file.
        plan: warm-up, runs, threads, CPUs, seed and time limit are taken from it.
        min_s: least time of the measured phase.
        extra: further arguments of `device_harness.runners.litert_in_process`.
    """
    command = [
        sys.executable, "-m", "device_harness.runners.litert_in_process", "--model", str(model.resolve()),
        "--warmup-runs", str(plan.warmup_runs), "--warmup-min-s", str(plan.warmup_min_s), "--runs", str(plan.runs),
        "--min-s", str(plan.min_s if min_s is None else min_s), "--threads", str(plan.threads),
        "--seed", str(plan.seed), *extra,
    ]  # fmt: skip
    if plan.cpus:
        command += ["--cpus", ",".join(map(str, plan.cpus))]
    package_root = str(Path(__file__).resolve().parents[1])
    result = process.run(command, timeout_s=plan.limit_s + START_UP_S, env={"PYTHONPATH": package_root})
    if result.returncode != 0:
        words = result.errors.strip().splitlines()[-1:] or [f"exit code {result.returncode}"]
        raise CommandFailedError(f"{model}: running it with LiteRT on this machine failed: {words[0]}")
    return parse_bench_document(result.stdout, "the in-process runner")


def _energy(model: Path, plan: ProfilePlan, runtime: str) -> Reading:
    facts: dict[str, Any] = {"source": "RAPL package counters", "device": HERE,
             "conditions": {"runtime": runtime, **plan.conditions()}}  # fmt: skip
    if plan.energy_repeats == 0:
        return unavailable("energy.inference", "J", "the plan measures no energy (energy_repeats is 0)", **facts)
    try:
        domains = package_domains()
        taken_at = datetime.now(UTC)
        with RaplSampler(domains, plan.sampling_interval_s) as sampler:
            idle, loads = [_pause(plan.idle_s)], []
            for _ in range(plan.energy_repeats):
                document = run_in_process(model, plan, min_s=plan.energy_s)
                clock = document.clock
                loads.append(LoadWindow(clock.measure_start_s, clock.measure_end_s, len(document.latencies_s)))
                idle.append(_pause(plan.idle_s))
        result = energy_per_inference(sampler.trace(), idle, loads)
    except (RaplUnavailableError, ValueError) as error:
        return unavailable("energy.inference", "J", str(error), **facts)
    if result.refused:
        return unavailable("energy.inference", "J", result.refused, **facts)
    return Reading(
        metric="energy.inference", unit="J", samples=result.joules, obtained=Obtained.MEASURED, taken_at=taken_at,
        sampling_interval_s=plan.sampling_interval_s, **facts,
    )  # fmt: skip


def _pause(seconds: float) -> tuple[float, float]:
    """Do nothing for `seconds`; a tenth at each end is left out of the window."""
    start = time.monotonic()
    time.sleep(seconds)
    end = time.monotonic()
    return start + seconds / 10, end - seconds / 10
