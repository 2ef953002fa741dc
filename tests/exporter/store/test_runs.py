"""A run's folder: what older releases wrote is still read, and raw samples are this run's or none."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.facts.profile import measured
from exporter.data.results.commands import RunResult
from exporter.data.results.record import SCHEMA_VERSION, RunRecord, TargetRecord
from exporter.data.results.samples import Samples, TargetSamples
from exporter.report.renderer import render
from exporter.store.migrations import STEPS
from exporter.store.runs import load_record, load_samples, parse_record, write_run
from profilers.readings import Reading
from tests.exporter import typical

RECORDS = Path(__file__).resolve().parents[2] / "data" / "records"
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def reading(*samples: float) -> Reading:
    return typical.reading(samples=samples, conditions={"accelerator": "cpu"})


def record_of(readings: tuple[Reading, ...]) -> RunRecord:
    host = measured(readings, NOW)
    target = TargetRecord(name="t", format="tflite", minimum_os="Android 14", settings={}, host=host)
    return typical.run(targets=(target,))


def written(folder: Path, *samples: float) -> RunRecord:
    readings = (reading(*samples),)
    return write_run(folder, record_of(readings), Samples(targets={"t": TargetSamples(host=readings)}))


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDS / name).read_text())
    return found


def test_there_is_a_step_from_every_version() -> None:
    """A release that raises the version cannot forget how to read what the last one wrote."""
    assert set(STEPS) == set(range(1, SCHEMA_VERSION))


def test_a_record_with_profiles_keeps_host_and_devices_apart() -> None:
    """Version 1 repeated the devices' readings among this machine's."""
    (target,) = load_record(RECORDS / "with_profiles.json").targets
    assert target.host is not None
    assert [one.metric for one in target.host.readings] == ["latency", "energy.inference"]
    assert target.host.caveats == ("measured 3 h before this run",)
    phone, locked, gone = target.profiles
    assert phone.info is not None
    assert phone.info.model == "Pixel 8"
    assert phone.measured is not None
    latency = phone.measured.measured_latency()
    assert latency is not None
    assert latency.statistics is not None
    assert (latency.statistics.count, latency.statistics.processes) == (6, 3)
    assert latency.statistics.min == 0.25
    assert phone.rejected == ("process 2: the thermal status rose from 0 to 2",)
    assert phone.warnings == ("it is charging (USB)",)
    assert phone.ops[0].name == "stem"
    assert phone.outputs is not None
    assert [verdict.metric for verdict in phone.verdicts] == ["latency.p90"]
    assert locked.skipped == "R58M is unauthorized: unlock it."
    assert target.device_errors == (f"R99: {gone.error}",)
    assert target.inspection is not None
    assert target.inspection.bytes_by_layer() == {"stem": 4}
    assert target.size_limits() == {"size": 1000}


def test_numbers_that_version_1_lost_do_not_lose_the_record() -> None:
    """It wrote NaN as null, and could not read its own record again."""
    (target,) = load_record(RECORDS / "with_profiles.json").targets
    assert target.profiles[0].measured is not None
    memory = target.profiles[0].measured.readings[1].statistics
    assert memory is not None
    assert math.isnan(memory.p50)


def test_a_record_without_profiles_shows_each_device_under_its_own_name() -> None:
    """The first records had readings of devices beside this machine's, told apart by their device alone."""
    record = load_record(RECORDS / "without_profiles.json")
    (target,) = record.targets
    simulator, _ = target.profiles
    assert simulator.device == "SIM [x]"
    assert simulator.info is not None
    assert simulator.info.environment == "simulator"
    assert target.device_errors == ("R99: the cable was pulled",)
    assert target.host is not None
    assert {one.device for one in target.host.readings} == {"this machine"}
    html = render("html", RunResult(record, Path()))
    own = html.partition("<h2>Readings of SIM [x] (unknown, simulator)</h2>")[2].partition("<h2>")[0]
    assert "latency of one inference on SIM [x]" in own
    assert "measured 3 h before this run" in html


@pytest.mark.parametrize("name", ["with_profiles.json", "without_profiles.json"])
def test_what_was_migrated_is_read_again_as_it_is(name: str) -> None:
    """`report -f json` writes records of today's version."""
    record = load_record(RECORDS / name)
    assert record.schema_version == SCHEMA_VERSION
    again = parse_record(json.loads(record.model_dump_json()), name)
    assert again.model_dump_json() == record.model_dump_json()


def test_samples_of_a_record_of_version_1_are_in_it() -> None:
    samples = load_samples(RECORDS / "with_profiles.json").targets["pixel"]
    assert len(samples.host[0].samples) == 6
    assert [one.metric for one in samples.profiles["R5CT"]] == ["latency", "memory.peak"]
    assert set(load_samples(RECORDS / "without_profiles.json").targets["pixel"].profiles) == {"SIM [x]"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 3}, "knows versions up to 2. Upgrade mobile-export"),
        ({"schema_version": 0}, "no release ever wrote"),
        ({"schema_version": None}, "has no schema_version. It is no record"),
        ({"schema_version": True}, "has no schema_version"),
        ({"targets": 3}, "is damaged"),
        ({"targets": [{}]}, "is damaged"),
        ({"created_at": "yesterday"}, "is damaged"),
    ],
)
def test_what_is_not_known_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        parse_record({**document("with_profiles.json"), **change}, "run.json")


def test_every_sample_lies_beside_the_record_and_none_in_it(tmp_path: Path) -> None:
    """Also NaN and infinity, which JSON has no numbers for; the record stays small however long was measured."""
    record = written(tmp_path, *[0.001] * 5000, math.inf, math.nan)
    assert load_record(tmp_path / "run.json").model_dump_json() == record.model_dump_json()
    (found,) = load_samples(tmp_path / "run.json").targets["t"].host
    assert len(found.samples) == 5002
    assert math.isinf(found.samples[-2])
    assert math.isnan(found.samples[-1])
    assert (tmp_path / "run.json").stat().st_size < 5000


def test_another_run_s_samples_are_not_taken_for_this_one_s(tmp_path: Path) -> None:
    """A run that is killed between the two files leaves samples that the record does not mean."""
    written(tmp_path, 1.0, 2.0)
    before = (tmp_path / "run.json").read_bytes()
    written(tmp_path, 3.0, 4.0)
    (tmp_path / "run.json").write_bytes(before)
    with pytest.raises(UsageProblem, match=r"samples of another run .* Run it again"):
        load_samples(tmp_path / "run.json")
    (tmp_path / "samples.json").unlink()
    with pytest.raises(UsageProblem, match="No such file"):
        load_samples(tmp_path / "run.json")


def test_samples_outside_the_run_s_folder_are_refused(tmp_path: Path) -> None:
    """A run.json from elsewhere must not make this program read any file."""
    written(tmp_path, 1.0)
    run = json.loads((tmp_path / "run.json").read_text())
    run["samples"]["path"] = "../../etc/passwd"
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(UsageProblem, match="outside the run's folder"):
        load_samples(tmp_path / "run.json")


def test_a_run_that_measures_nothing_leaves_no_older_samples(tmp_path: Path) -> None:
    written(tmp_path, 1.0)
    write_run(tmp_path, record_of(()), Samples(targets={"t": TargetSamples()}))
    assert not (tmp_path / "samples.json").exists()
    assert load_samples(tmp_path / "run.json").targets == {}
