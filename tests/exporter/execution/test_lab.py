"""A lab, with a real scheduler and real processes: what becomes of jobs when a part of it dies, or is cut off."""

import pickle
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.execution.executor import Done, Lost
from exporter.execution.executors.on_worker import facts
from exporter.execution.isolation import Trouble
from exporter.execution.lab import here
from exporter.execution.lab.client import Ended, Lab, Sending
from exporter.execution.lab.connection import LabAddress
from exporter.execution.lab.jobs import SentJob
from exporter.execution.lab.security import make_certificates
from tests.contracts.executor import PATIENCE_S, Written, ends, process_in, until_true
from tests.exporter.execution import trials
from tests.exporter.execution.clusters import Namespaces, UnavailableError
from tests.exporter.execution.labs import LabRig

pytestmark = pytest.mark.slow


@pytest.fixture
def progress() -> Written:
    return Written()


@pytest.fixture(scope="module")
def hosts() -> Iterator[Namespaces]:
    try:
        hosts = Namespaces(2)
    except UnavailableError as error:
        pytest.skip(str(error))
    with closing(hosts):
        yield hosts


@pytest.fixture(scope="module")
def rig(hosts: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRig]:
    """Two hosts with a network of their own; A and B are on the first, C on the second. With certificates."""
    folder = tmp_path_factory.mktemp("lab")
    make_certificates(folder / "tls")
    with closing(LabRig(folder, hosts.here, folder / "tls")) as rig:
        for number, host, serial in (
            (0, "one", None),
            (0, "one", "A"),
            (0, "one", "B"),
            (1, "two", None),
            (1, "two", "C"),
        ):
            rig.add(host, serial, inside=hosts.inside(number))
        yield rig


@pytest.fixture
def lab(rig: LabRig, progress: Written) -> Iterator[Lab]:
    with closing(Lab(at(rig), progress)) as lab:
        until_true(lambda: tended(lab) and {"A@one", "B@one", "C@two"} <= lab.devices.keys())
        until_true(lambda: tended(lab) and all(one.state == "ready" for one in lab.devices.values()))
        yield lab


def at(rig: LabRig, away_s: float = 60.0) -> LabAddress:
    return LabAddress(rig.address, rig.folder / "tls", away_s=away_s)


def tended(lab: Lab) -> bool:
    lab.tend()
    return True


def job(work: Callable[..., object], *arguments: object, topic: str = "") -> SentJob:
    return SentJob(uuid.uuid4().hex, pickle.dumps((work, arguments)), topic)


def sent(lab: Lab, name: str, work: Callable[..., object], *arguments: object) -> Sending:
    return lab.send(job(work, *arguments, topic=lab.topic), lab.devices[name])


def end_of(sending: Sending) -> Ended:
    deadline = time.monotonic() + PATIENCE_S
    while (ended := sending.look()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sending.end()
    return ended


def value_of(ended: Ended) -> object:
    assert isinstance(ended.outcome, Done), ended
    return ended.outcome.value


def times_in(folder: Path) -> list[tuple[float, float]]:
    """When each process that `trials.sleeps` began and was over."""
    found = [path.read_text().split() for path in folder.glob("*.over")]
    return sorted((float(begun), float(over)) for begun, over in found)


def test_a_job_gives_its_result_and_what_its_host_did_meanwhile(lab: Lab, progress: Written, tmp_path: Path) -> None:
    """On the device that it is for; and a failure is a sentence."""
    first, second = sent(lab, "A@one", trials.sleeps, tmp_path, 1.0), sent(lab, "B@one", trials.square, 5)
    third = sent(lab, "C@two", trials.refuses)
    until_true(lambda: tended(lab) and lab.devices["A@one"].state == "measuring")
    assert lab.devices["A@one"].job == first.job.id
    assert value_of(end_of(second)) == 25
    assert progress.told == ["+squaring 5", "1 of 2", "-squaring 5", "5 is done"]
    ended = end_of(first)
    assert value_of(ended) == 1.0
    assert ended.load is not None
    assert ended.load.beside == 1, "the other job of the host, not that of the other host"
    assert 0 < ended.load.cpu_share <= 1
    assert end_of(third).outcome == Trouble("the budget is too small.", 2)


def test_a_job_is_begun_once_however_often_it_is_asked_for(lab: Lab, rig: LabRig, tmp_path: Path) -> None:
    """While it runs, and afterwards; by several at once, too."""
    the_job = job(trials.sleeps, tmp_path, 1.0)
    with closing(Lab(at(rig), Written())) as other:
        asked = [one.send(the_job, lab.devices["A@one"]) for one in (lab, lab, other)]
        assert [value_of(end_of(one)) for one in asked] == [1.0] * 3
    assert value_of(end_of(lab.send(the_job, lab.devices["A@one"]))) == 1.0
    assert len(times_in(tmp_path)) == 1


def test_a_device_has_one_job_at_a_time(lab: Lab, rig: LabRig, tmp_path: Path) -> None:
    """Whoever sends them."""
    with closing(Lab(at(rig), Written())) as other:
        asked = [sent(one, "A@one", trials.sleeps, tmp_path, 0.3) for one in (lab, other, lab)]
        assert [value_of(end_of(one)) for one in asked] == [0.3] * 3
    times = times_in(tmp_path)
    assert len(times) == 3
    assert all(over <= begun for (_, over), (begun, _) in pairwise(times))


def test_a_job_that_is_called_off_ends_and_its_device_is_free(lab: Lab, tmp_path: Path) -> None:
    sending = sent(lab, "A@one", trials.sleeps, tmp_path, 600)
    pid = process_in(tmp_path)
    sending.end()
    assert ends(pid)
    assert value_of(end_of(sent(lab, "A@one", trials.square, 3))) == 9


def test_who_is_killed_leaves_no_job(rig: LabRig, lab: Lab, tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        from tests.exporter.execution.test_lab import Lab, LabAddress, Written, end_of, sent, trials
        lab = Lab(LabAddress({rig.address!r}, Path({str(rig.folder / "tls")!r})), Written())
        end_of(sent(lab, "A@one", trials.sleeps, Path({str(tmp_path)!r}), 600))
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pid = process_in(tmp_path)
    starter.kill()
    starter.wait()
    assert ends(pid)


def test_a_host_that_is_cut_off_while_a_measurement_ends(
    lab: Lab, rig: LabRig, hosts: Namespaces, tmp_path: Path
) -> None:
    """What it finishes meanwhile comes when it is back: once, of the device that it is of; others go on."""
    sending = sent(lab, "C@two", trials.sleeps, tmp_path, 2.0)
    process_in(tmp_path)
    hosts.cut(1)
    try:
        assert value_of(end_of(sent(lab, "A@one", trials.square, 4))) == 16
        until_true(lambda: bool(times_in(tmp_path)))
        time.sleep(1.0)
        assert sending.look() is None
    finally:
        hosts.mend(1)
    ended = end_of(sending)
    assert value_of(ended) == 2.0
    assert ended.load is not None
    assert len(times_in(tmp_path)) == 1


def test_a_scheduler_that_restarts_loses_nothing(lab: Lab, rig: LabRig, tmp_path: Path) -> None:
    """A job that runs, one that ended while nobody could tell, and one that waited for its turn."""
    shown, waits = tmp_path / "shown", tmp_path / "waits"
    shown.mkdir()
    waits.mkdir()
    asked = [sent(lab, "A@one", trials.sleeps, shown, 5.0), sent(lab, "C@two", trials.sleeps, shown, 1.0)]
    last = sent(lab, "A@one", trials.sleeps, waits, 0.1)
    until_true(lambda: len(list(shown.iterdir())) == 2)
    rig.kill("scheduler")
    until_true(lambda: len(times_in(shown)) == 1)
    rig.start_scheduler()
    assert [value_of(end_of(one)) for one in (*asked, last)] == [5.0, 1.0, 0.1]
    assert len(times_in(shown)) == 2
    assert len(times_in(waits)) == 1


def test_a_process_that_is_killed_loses_its_job_which_is_not_begun_again(
    lab: Lab, rig: LabRig, hosts: Namespaces, tmp_path: Path
) -> None:
    sending = sent(lab, "B@one", trials.sleeps, tmp_path, 600)
    pid = process_in(tmp_path)
    rig.kill("B@one")
    assert ends(pid)
    rig.add("one", "B", inside=hosts.inside(0))
    lost = end_of(sending)
    assert lost.outcome == Lost("not measured, because its process was ended on the host while it measured.")
    assert not lost.refused
    assert len(list(tmp_path.iterdir())) == 1


def test_a_host_that_does_not_come_back_keeps_what_it_finished(
    lab: Lab, rig: LabRig, hosts: Namespaces, tmp_path: Path, progress: Written
) -> None:
    """It is said how to get that, and it can be had."""
    with closing(Lab(at(rig, away_s=2.0), progress)) as hurried:
        sending = sent(hurried, "C@two", trials.sleeps, tmp_path, 1.0)
        process_in(tmp_path)
        hosts.cut(1)
        try:
            lost = end_of(sending)
        finally:
            hosts.mend(1)
    assert isinstance(lost.outcome, Lost)
    assert "not measured, because C@two was not there for 2 s. If it was begun, it goes on there" in lost.outcome.reason
    assert f"mobile-export lab collect {sending.job.id} --scheduler {rig.address}" in lost.outcome.reason
    until_true(lambda: tended(lab) and any(one.is_host and one.host == "two" for one in lab.reports))
    answer = lab.on_host("two", here.answers_of, (sending.job.id, "f" * 32, "../x"))
    assert answer.keys() == {sending.job.id}
    assert len(answer[sending.job.id].results) == 1


def test_a_device_that_leaves_ends_its_job_and_takes_no_other(
    lab: Lab, rig: LabRig, hosts: Namespaces, tmp_path: Path
) -> None:
    sending, late = sent(lab, "B@one", trials.sleeps, tmp_path, 1.0), sent(lab, "B@one", trials.square, 2)
    process_in(tmp_path)
    rig.leave("B@one")
    until_true(lambda: tended(lab) and lab.devices["B@one"].state == "leaving")
    assert value_of(end_of(sending)) == 1.0
    refused = end_of(late)
    assert refused.refused
    assert refused.outcome == Lost("not measured, because the device has left the lab.")
    until_true(lambda: rig.ended("B@one"))
    until_true(lambda: tended(lab) and "B@one" not in lab.devices)
    rig.add("one", "B", inside=hosts.inside(0))


def test_what_is_no_measurement_is_not_done_by_a_lab(lab: Lab, rig: LabRig) -> None:
    """A search's trials would disturb what is measured beside them."""
    address = next(iter(lab.client.scheduler_info()["workers"]))
    found = lab.client.run(facts, workers=[address], on_error="return")[address]
    assert str(found) == "it is of a lab, which measures on devices"


def test_files_travel_once(lab: Lab, rig: LabRig, tmp_path: Path) -> None:
    """A file and a package, by their content alone."""
    (tmp_path / "package.mlpackage" / "Data").mkdir(parents=True)
    (tmp_path / "package.mlpackage" / "Data" / "weights").write_bytes(bytes(range(256)) * 100_000)
    (tmp_path / "model.tflite").write_bytes(b"TFL3")
    digests = [lab.put("one", tmp_path / name) for name in ("package.mlpackage", "model.tflite")]
    kept = [rig.state("one") / "files" / digest for digest in digests]
    assert (kept[0] / "Data" / "weights").stat().st_size == 25_600_000
    assert kept[1].read_bytes() == b"TFL3"
    before = kept[1].stat().st_ino
    (tmp_path / "again.tflite").write_bytes(b"TFL3")
    assert lab.put("one", tmp_path / "again.tflite") == digests[1]
    assert kept[1].stat().st_ino == before
    assert sorted(path.name for path in (rig.state("one") / "files").iterdir()) == sorted(digests)


def test_who_has_no_certificates_is_not_let_in(rig: LabRig, tmp_path: Path, progress: Written) -> None:
    with pytest.raises(UsageProblem, match="wants certificates: give the folder of the lab's, with --tls FOLDER"):
        Lab(LabAddress(rig.address), progress)
    with pytest.raises(UsageProblem, match=r"has no ca.pem, cert.pem, key.pem\. Copy the folder"):
        Lab(LabAddress(rig.address, tmp_path), progress)
    make_certificates(tmp_path / "others")
    with pytest.raises(UsageProblem, match="does not answer within 2 s"):
        Lab(LabAddress(rig.address, tmp_path / "others", patience_s=2), progress)
    with pytest.raises(UsageProblem, match=r"has ca\.pem, cert\.pem, key\.pem already; nothing was changed"):
        make_certificates(tmp_path / "others")
