"""Hosts of a lab: a network of their own each, real phones behind a real adb, and the real `lab serve`."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil

from device_harness.process import Process
from exporter.execution.lab.security import make_certificates
from tests.exporter.execution.clusters import Namespaces
from tests.fakes.adbd import AdbdRig

GETPROP = (
    "[ro.build.version.release]: [{version}]\n[ro.product.model]: [Pixel {number}]\n[ro.soc.model]: [Tensor G{soc}]\n"
)
BATTERY = (
    "Current Battery Service state:\n  AC powered: false\n  USB powered: false\n  status: 3\n  level: 50\n"
    "  scale: 100\n  voltage: 4000\n  temperature: 250\n"
)
THERMAL = (
    "Thermal Status: 0\nCurrent temperatures from HAL:\n"
    "Temperature{mValue=30.5, mType=3, mName=skin, mStatus=0}\nCurrent cooling devices from HAL:\n"
)


class Host:
    """One computer with phones.

    Attributes:
        name: in the lab.
        phones: behind its adb.
    """

    def __init__(self, folder: Path, name: str, inside: list[str], phones: int, stack: ExitStack) -> None:
        self.folder, self.name, self._inside = folder, name, inside
        self.phones = [self._phone(number, stack) for number in range(phones)]
        self._stack = stack

    def serve(self, *options: object) -> Process:
        """`lab serve` there."""
        environment = {
            "PATH": f"{self.phones[0].adb.parent}:{os.environ['PATH']}",
            "MOBILE_EXPORT_LEASES": str(self.folder / "leases"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        program = [sys.executable, "-c", "from exporter.cli.main import main; main()"]
        command = [*self._inside, *program, "lab", "serve", "--host", self.name, "--state", self.folder / "state"]
        self.process = self._stack.enter_context(
            Process([*map(str, command), *map(str, options)], env=environment, cwd=self.folder)
        )
        return self.process

    def process_with(self, words: str) -> psutil.Process:
        """The process of the lab on this host that has these words in its command line."""
        everyone = psutil.Process(self.process.pid).children(recursive=True)
        return next(one for one in everyone if words in " ".join(one.cmdline()))

    def _phone(self, number: int, stack: ExitStack) -> AdbdRig:
        (self.folder / f"phone{number}").mkdir(parents=True)
        phone = AdbdRig(self.folder / f"phone{number}", self._inside, number)
        stack.callback(phone.close)
        phone.reply("getprop", GETPROP.format(version=13 + number % 3, number=6 + number, soc=1 + number))
        phone.reply("dumpsys battery", BATTERY)
        phone.reply("dumpsys thermalservice", THERMAL)
        phone.reply("dumpsys power", "mWakefulness=Awake\n")
        phone.reply("settings get global stay_on_while_plugged_in", "0\n")
        for command in ("settings put global stay_on_while_plugged_in 0", "input keyevent 223", "input keyevent 224"):
            phone.reply(command, "")
        phone.connect()
        return phone


class PhoneLab:
    """A lab of several hosts.

    Attributes:
        network: which joins them; the scheduler is on this computer's end of it, with the first host's `lab serve`.
        hosts: in order.
        tls: folder of its certificates.
        address: of the scheduler.
    """

    def __init__(self, folder: Path, hosts: int, phones: int) -> None:
        self._stack = ExitStack()
        try:
            self.network = Namespaces(hosts)
            self._stack.callback(self.network.close)
            self.tls = folder / "tls"
            make_certificates(self.tls)
            self.hosts = [
                Host(folder / f"host-{number}", f"host-{number}", self.network.inside(number), phones, self._stack)
                for number in range(hosts)
            ]
            self.port = 8786
            self.address = f"tls://{self.network.host(0)}:{self.port}"
            for number, host in enumerate(self.hosts):
                first = ("--listen", self.address.removeprefix("tls://"))
                host.serve("--tls", self.tls, *(first if number == 0 else ("--scheduler", self.address)))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all of it."""
        self._stack.close()
