"""A scheduler of Dask and its workers, as processes, on this host or in network namespaces of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60


class UnavailableError(Exception):
    """What is needed is not here, in a sentence."""


class LocalCluster:
    """Nothing of it survives `close`.

    Attributes:
        folder: of the logs.
        address: of the scheduler.
        workers: by number.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        known = folder / "scheduler.json"
        options = ["--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(known)]
        self.scheduler = self._start("scheduler", options)
        self.address = self._address(known)

    def add_worker(self, pythonpath: Path = ROOT, inside: Sequence[str] = ()) -> int:
        """Start one with one thread; gives its number.

        Args:
            pythonpath: where it finds this program.
            inside: a command before the worker's, which starts it in a namespace.
        """
        options = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        options += ["--local-directory", str(self.folder)]
        self.workers.append(self._start("worker", options, pythonpath, inside))
        return len(self.workers) - 1

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """As `kill -9`."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End all of it."""
        for process in [*self.workers, self.scheduler]:
            self.kill(process)

    def _start(
        self, kind: str, options: Sequence[str], pythonpath: Path = ROOT, inside: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        command = [*inside, sys.executable, "-P", "-m", f"distributed.cli.dask_{kind}", *options]
        with (self.folder / f"{kind}-{len(self.workers)}.log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(pythonpath)}
            )

    def _address(self, known: Path) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.scheduler.poll() is None:
            if known.exists() and (text := known.read_text()):
                return str(json.loads(text)["address"])
            time.sleep(0.02)
        raise AssertionError((self.folder / "scheduler-0.log").read_text())


class Namespaces:
    """Hosts of their own, as far as networks go, joined by a bridge of this host's: ``10.213.77.11`` and so on.

    Attributes:
        here: this host's address on the bridge.

    Raises:
        UnavailableError: they cannot be made here.
    """

    here = "10.213.77.1"

    def __init__(self, count: int) -> None:
        self._bridge, self._names = f"mx{os.getpid()}", [f"mx{os.getpid()}n{number}" for number in range(count)]
        if shutil.which("ip") is None:
            raise UnavailableError("ip is not installed (iproute2)")
        try:
            self._ip("link", "add", self._bridge, "type", "bridge")
            self._ip("addr", "add", f"{self.here}/24", "dev", self._bridge)
            self._ip("link", "set", self._bridge, "up")
            for number, name in enumerate(self._names):
                self._join(number, name)
        except subprocess.CalledProcessError as error:
            self.close()
            raise UnavailableError(
                f"network namespaces are not allowed here: {error.stderr.decode().strip()}"
            ) from error

    def host(self, number: int) -> str:
        """Its address."""
        return f"10.213.77.{11 + number}"

    def inside(self, number: int) -> list[str]:
        """A command before another one, which is run there."""
        return ["ip", "netns", "exec", self._names[number]]

    def cut(self, number: int) -> None:
        """Take it off the network."""
        self._ip("-n", self._names[number], "link", "set", "eth0", "down")

    def mend(self, number: int) -> None:
        """Put it back."""
        self._ip("-n", self._names[number], "link", "set", "eth0", "up")

    def close(self) -> None:
        """Remove them; no error for those that could not be made."""
        for name in self._names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)

    def _join(self, number: int, name: str) -> None:
        end, other = f"{self._bridge}v{number}"[:15], "eth0"
        self._ip("netns", "add", name)
        self._ip("link", "add", end, "type", "veth", "peer", "name", other, "netns", name)
        self._ip("link", "set", end, "master", self._bridge, "up")
        self._ip("-n", name, "addr", "add", f"10.213.77.{11 + number}/24", "dev", other)
        for device in ("lo", other):
            self._ip("-n", name, "link", "set", device, "up")

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)
