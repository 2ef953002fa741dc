"""Dask, with a real scheduler and real workers: the contract, and what becomes of work when a part of it dies."""

import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.data.errors import UsageProblem
from exporter.data.progress import Silent
from exporter.execution.executor import Done, Executor, Lost, PlaceOptions, executor_named
from exporter.execution.executors.cluster import Cluster, without_answer
from exporter.execution.executors.on_worker import host_of
from tests.contracts.executor import IsolatedContract, Written, all_of, ends, process_in, value_of
from tests.exporter.execution import trials
from tests.exporter.execution.clusters import ROOT, LocalCluster, Namespaces, UnavailableError

pytestmark = pytest.mark.slow


@pytest.fixture
def progress() -> Written:
    return Written()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """With two workers that nothing happens to."""
    with closing(LocalCluster(tmp_path_factory.mktemp("cluster"))) as cluster:
        for _ in range(2):
            cluster.add_worker()
        wait_for_workers(cluster, 2)
        yield cluster


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[LocalCluster]:
    """Without a worker, to be killed."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with closing(LocalCluster(folder)) as cluster:
        yield cluster


def wait_for_workers(cluster: LocalCluster, count: int) -> None:
    import distributed

    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def opened(cluster: LocalCluster, progress: Written, patience_s: float = 10) -> Executor:
    return Executor(Cluster(cluster.address, progress, patience_s))


class TestCluster(IsolatedContract):
    @pytest.fixture
    def executor(self, cluster: LocalCluster, progress: Written) -> Iterator[Executor]:
        with closing(executor_named("dask", progress, PlaceOptions(scheduler=cluster.address))) as executor:
            yield executor


def test_who_is_killed_leaves_no_process_on_a_worker(cluster: LocalCluster, tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        from exporter.data.progress import Silent
        from exporter.execution.executor import PlaceOptions, executor_named
        from tests.exporter.execution import trials
        executor = executor_named("dask", Silent(), PlaceOptions(scheduler={cluster.address!r}))
        executor.submit(trials.sleeps, Path({str(tmp_path)!r}), 600, label="")
        executor.finished()
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    pid = process_in(tmp_path)
    starter.kill()
    starter.wait()
    assert ends(pid)


def test_work_that_does_not_fit_waits_at_its_worker(cluster: LocalCluster, progress: Written, tmp_path: Path) -> None:
    """Until nothing else runs there: of more than a machine has, each worker carries out one."""
    with closing(opened(cluster, progress)) as executor:
        ticket = executor.submit(trials.square, 3, label="big", memory_bytes=2**60)
        assert value_of(all_of(executor)[ticket]) == 9


def test_a_worker_that_dies_loses_what_it_was_at_and_nothing_else(tmp_path: Path, progress: Written) -> None:
    """On two hosts, as far as networks go; what waits is done by one that joins later, and so is what comes again."""
    shown = tmp_path / "shown"
    shown.mkdir()
    try:
        hosts = Namespaces(2)
    except UnavailableError as error:
        pytest.skip(str(error))
    with closing(hosts), closing(LocalCluster(tmp_path, hosts.here)) as cluster:
        cluster.add_worker(inside=hosts.inside(0))
        wait_for_workers(cluster, 1)
        with closing(opened(cluster, progress)) as executor:
            first = executor.submit(trials.sleeps, shown, 600, label="")
            pid = process_in(shown)
            second = executor.submit(trials.square, 5, label="")
            cluster.add_worker(inside=hosts.inside(1))  # which takes what waits
            [(ticket, outcome)] = executor.finished(60)
            assert ticket == second
            assert isinstance(outcome, Done)
            assert host_of(outcome.where) == "10.213.77.12"
            cluster.kill(cluster.workers[0])
            again = executor.submit(trials.square, 6, label="")
            found = all_of(executor)
        lost = found[first]
        assert isinstance(lost, Lost)
        assert "tcp://10.213.77.11:" in lost.reason
        assert value_of(found[again]) == 36
        assert ends(pid)


def test_workers_of_another_version_are_not_used(mortal: LocalCluster, progress: Written, tmp_path: Path) -> None:
    """One sentence each; alone, they are none."""
    changed, without = tmp_path / "changed", tmp_path / "without"
    for package in ("exporter", "profilers", "device_harness"):
        shutil.copytree(ROOT / package, changed / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (changed / "exporter" / "compression" / "apply.py").open("a") as code:
        code.write("# of another version\n")
    without.mkdir()
    (without / "exporter.py").write_text("")
    mortal.add_worker(changed)
    mortal.add_worker(without)
    wait_for_workers(mortal, 2)
    with pytest.raises(UsageProblem, match="has no worker that can be used") as caught:
        opened(mortal, progress)
    assert "code is " in str(caught.value)
    assert "Install the same there, and restart the worker." in str(caught.value)
    assert "it cannot run mobile-export (ModuleNotFoundError(" in str(caught.value)
    mortal.add_worker()
    wait_for_workers(mortal, 3)
    progress.told.clear()
    with closing(opened(mortal, progress)) as executor:
        assert executor.slots == 1
        tickets = [executor.submit(trials.square, number, label="") for number in range(3)]
        found = all_of(executor)
    assert [value_of(found[ticket]) for ticket in tickets] == [0, 1, 4]
    assert len([said for said in progress.told if "is not used: " in said]) == 2


def test_a_scheduler_that_dies_is_told_at_once(mortal: LocalCluster, tmp_path: Path, progress: Written) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    mortal.add_worker()
    wait_for_workers(mortal, 1)
    with closing(opened(mortal, progress)) as executor:
        executor.submit(trials.sleeps, shown, 600, label="")
        pid = process_in(shown)
        mortal.kill(mortal.scheduler)
        with pytest.raises(UsageProblem, match=r"the scheduler tcp://127.0.0.1:\d+ (is gone|does not answer any more)"):
            executor.finished()
    assert ends(pid)


def test_a_result_on_its_way_when_the_scheduler_is_lost_is_no_trouble_of_the_work() -> None:
    """It is the place that failed: nothing is said of the model, and whoever may do the work again does."""
    distributed = pytest.importorskip("distributed")
    error = distributed.client.FutureCancelledError(key="trial-1", reason="scheduler-connection-lost")
    assert isinstance(without_answer(error), Lost)


def test_workers_that_never_come_and_those_that_went_are_told(mortal: LocalCluster, progress: Written) -> None:
    with pytest.raises(UsageProblem, match=r"has no worker that can be used. Start some: dask worker tcp://"):
        opened(mortal, progress, patience_s=1)
    mortal.add_worker()
    with closing(opened(mortal, progress, patience_s=30)) as executor:
        mortal.kill(mortal.workers[0])
        executor.submit(trials.square, 1, label="")
        mortal.add_worker()
        assert [value_of(outcome) for outcome in all_of(executor).values()] == [1]


def test_a_scheduler_that_is_not_there_is_told(progress: Written) -> None:
    for address in ("tcp://127.0.0.1:9", "nowhere://x"):
        with pytest.raises(UsageProblem, match=f"the scheduler {address} does not answer within 1 s"):
            Cluster(address, progress, patience_s=1)
    with pytest.raises(UsageProblem, match=r"tls://127\.0\.0\.1:9 wants certificates"):
        Cluster("tls://127.0.0.1:9", progress, patience_s=1)
    with pytest.raises(UsageProblem, match="Dask needs the address of a scheduler"):
        executor_named("dask", Silent())
