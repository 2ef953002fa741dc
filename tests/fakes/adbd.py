"""A real adbd (Debian 13's) behind the real adb client, in namespaces of its own, with Android stand-ins.

The daemon listens on all interfaces and asks nobody for permission: so it runs in a network namespace without any but
loopback. Its mount namespace has a small tmpfs as the device's storage, and made-up files in place of /sys.
"""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from filelock import FileLock

from device_harness.adb.device import AdbDevice

PROJECT = Path(__file__).resolve().parents[2]
STANDINS = ("getprop", "dumpsys", "cmd", "perfetto", "svc", "settings", "input", "am", "pm")
ADBD_PORT, PROXY_PORT, SERVER_PORT = 15555, 15556, 15037
SERIAL = f"127.0.0.1:{PROXY_PORT}"
STORAGE_MB = 96


class UnavailableError(Exception):
    """The rig cannot be had on this machine; the message says why."""


def debian_root(architecture: str, *packages: str) -> Path:
    """Debian 13's packages, unpacked once a checkout."""
    folder = PROJECT / "build" / "debian13" / f"{architecture}-{packages[0]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        done = subprocess.run(
            [PROJECT / ".ci" / "debian13", folder, architecture, *packages], capture_output=True, text=True
        )
    if done.returncode != 0:
        raise UnavailableError(f"Debian 13's {packages[0]} cannot be had: {done.stderr.strip()[-200:]}")
    return folder


def _namespace_options() -> list[str]:
    for options in (["--net", "--mount"], ["--user", "--map-root-user", "--net", "--mount"]):
        if subprocess.run(["unshare", *options, "true"], capture_output=True).returncode == 0:
            return options
    raise UnavailableError("this machine allows no network namespaces (unshare): adbd would listen on all interfaces")


class AdbdRig:
    """One daemon, its adb server, a relay between them that can be cut, and stand-ins.

    Args:
        folder: empty.
        inside: a command before another one, which is run on a host that has several such phones; their processes
            have a namespace of their own each. None makes a network for this one alone.
        number: of the phone on that host.

    Attributes:
        folder: everything of this rig; `replies`, `sys` and `fault` in it may be changed by tests.
        adb: a program that is adb inside the namespace; for PATH.
        serial: under which adb knows it.
    """

    def __init__(self, folder: Path, inside: Sequence[str] | None = None, number: int = 0) -> None:
        self._inside, self._boots = inside, 0
        self._adbd_port, self._proxy_port = ADBD_PORT + 10 * number, PROXY_PORT + 10 * number
        self.serial = f"127.0.0.1:{self._proxy_port}"
        for program in ("adb", "unshare", "nsenter", "ip"):
            if shutil.which(program) is None:
                raise UnavailableError(f"{program} is not installed")
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        self._root = debian_root(machine, "adbd")
        self.folder = folder
        self.storage = Path("/tmp")
        self.adb = folder / "host" / "adb"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lay_out()
        self._hold_namespace()
        self.start_daemon()
        self.start_proxy()

    def _lay_out(self) -> None:
        for name in ("host", "bin", "replies", "sys", "home", "debian", "checkout"):
            (self.folder / name).mkdir()
        (self.folder / "fault").write_text("none\n")
        for name in STANDINS:
            shutil.copy(Path(__file__).parent / "android" / "standin.sh", self.folder / "bin" / name)
            (self.folder / "bin" / name).chmod(0o755)
        cpu = self.folder / "sys" / "devices" / "system" / "cpu"
        cpu.mkdir(parents=True)
        for name in ("possible", "present", "online"):
            with contextlib.suppress(OSError):
                (cpu / name).write_text(Path("/sys/devices/system/cpu", name).read_text())

    def _hold_namespace(self) -> None:
        options = _namespace_options() if self._inside is None else ["--mount", "--pid", "--fork", "--kill-child"]
        # The storage is /tmp, as on a Linux board. What may lie below it must stay visible: this folder, with adbd in
        # it, and the checkout, with the programs that stand in for Android's.
        checkout = Path(__file__).resolve().parents[2]
        back = f"mkdir -p '{checkout}' && mount --bind '{self.folder}/checkout' '{checkout}' && "
        shown = back if checkout.is_relative_to(self.storage) else ""
        script = (
            f"ip link set lo up && mount --bind '{self._root}' '{self.folder}/debian' && "
            f"mount --bind '{checkout}' '{self.folder}/checkout' && mount --rbind '{self.folder}' /mnt && "
            f"mount -t tmpfs -o size={STORAGE_MB}m tmpfs {self.storage} && "
            f"mkdir -p '{self.folder}' && mount --rbind /mnt '{self.folder}' && "
            f"{shown}mount --bind '{self.folder}/sys' /sys && {self._own_processes()}echo ready && exec sleep infinity"
        )
        command = [*(self._inside or ()), "unshare", *options, "sh", "-c", script]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._running["namespace"] = holder
        assert holder.stdout is not None
        if holder.stdout.readline() != b"ready\n":
            raise UnavailableError("mounting in a namespace of its own is not allowed here")
        # The one whose namespaces they are, which `unshare --fork` has started.
        self._first = psutil.Process(holder.pid).children()[0].pid if "--fork" in options else holder.pid
        self._enter = ["nsenter", "--target", str(self._first), "--net", *(["--pid"] if "--fork" in options else [])]
        if "--user" in options:
            self._enter += ["--user", "--preserve-credentials"]
        environment = f"HOME='{self.folder}/home' ANDROID_ADB_SERVER_PORT={SERVER_PORT} ADB_USB=0 ADB_MDNS=0 ADB_EMU=0"
        where = " ".join(self._enter if self._inside is None else self._inside)
        self.adb.write_text(f'#!/bin/sh\nexec {where} env {environment} {shutil.which("adb")} "$@"\n')
        self.adb.chmod(0o755)

    def _own_processes(self) -> str:
        """A /proc of its own, which tells another boot every time."""
        if self._inside is None:
            return ""
        self._boots += 1
        (self.folder / "boot").write_text(f"{self._boots:08}-0000-4000-8000-{self._adbd_port:012}\n")
        return f"mount -t proc proc /proc && mount --bind '{self.folder}/boot' /proc/sys/kernel/random/boot_id && "

    def reboot(self) -> None:
        """End every process of it, as far as it has processes of its own, and start it anew, with an empty storage."""
        os.kill(self._first, signal.SIGKILL)
        self._running["namespace"].wait()
        for name in ("adbd", "proxy"):
            self._running[name].kill()
            self._running[name].wait()
        self._hold_namespace()
        self.start_daemon()
        self.start_proxy()

    def start_daemon(self) -> None:
        """Start adbd as init would: with the stand-ins on its PATH."""
        libraries = self.folder / "debian" / "usr" / "lib"
        known = self._root / "usr" / "lib"
        multiarch = libraries / next(path.parent.name for path in known.glob("*/libc.so.6"))
        loader = multiarch / next(path.name for path in known.glob("*/ld-linux-*.so.*"))
        environment = {
            **os.environ,
            "ADBD_PORT": str(self._adbd_port),
            "HOME": str(self.folder / "home"),
            "FAKE_ANDROID": str(self.folder),
            "PATH": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        }
        program = libraries / "android-sdk" / "platform-tools" / "adbd"
        loading = [str(loader), "--library-path", f"{multiarch}:{multiarch}/android", str(program)]
        command = [*self._enter, "--mount", *loading]
        with (self.folder / "adbd.log").open("ab") as log:
            self._running["adbd"] = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd="/")
        self._await_port(self._adbd_port)

    def start_proxy(self) -> None:
        """Start the relay that devices are reached through."""
        script = Path(__file__).with_name("tcp_proxy.py")
        arguments = (script, self._proxy_port, self._adbd_port, self.folder / "refuse")
        command = [*self._enter, sys.executable, *map(str, arguments)]
        proxy = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._running["proxy"] = proxy
        assert proxy.stdout is not None
        assert proxy.stdout.readline() == b"ready\n"

    def connect(self) -> None:
        """Make the device known to the adb server."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            done = subprocess.run([self.adb, "connect", self.serial], capture_output=True, text=True, timeout=30)
            state = subprocess.run(
                [self.adb, "-s", self.serial, "get-state"], capture_output=True, text=True, timeout=30
            )
            if state.stdout.strip() == "device":
                return
            subprocess.run([self.adb, "disconnect", self.serial], capture_output=True, timeout=30)
            time.sleep(0.2)
        raise AssertionError(f"adb cannot connect: {done.stdout} {done.stderr} {state.stderr}")

    def open(self) -> AdbDevice:
        """A session with the device."""
        return AdbDevice(self.serial, program=str(self.adb))

    def on_device(self, path: str | Path) -> Path:
        """A path of the device as this machine can reach it."""
        return Path(f"/proc/{self._first}/root{path}")

    def exists(self, path: str) -> bool:
        """Whether a path exists on the device."""
        return self.on_device(path).exists()

    def alive(self, marker: str) -> bool:
        """Whether a process with this in its command line runs on the device; adb's clients do not count."""
        for process in psutil.process_iter(["cmdline", "status", "name"]):
            line = process.info["cmdline"] or []
            lives = process.info["status"] != psutil.STATUS_ZOMBIE and process.info["name"] not in ("adb", "nsenter")
            if lives and "sleep" in line[:1] and marker in line:
                return True
        return False

    def leftovers(self) -> list[str]:
        """What sessions left on the device: workspaces, and processes that carry a session's marker."""
        found = [str(path) for path in self.on_device(self.storage).glob("mobile-export.*")]
        for process in psutil.process_iter(["name", "status"]):
            with contextlib.suppress(psutil.Error):
                marked = "MOBILE_EXPORT_RUN" in process.environ() and process.environ().get("FAKE_ANDROID") == str(
                    self.folder
                )
                if marked and process.info["status"] != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {process.info['name']}")
        return found

    def calls(self) -> list[str]:
        """Command lines that the stand-ins were called with."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def reply(self, command: str, text: str | bytes) -> None:
        """Have a stand-in answer `command` with `text`."""
        (self.folder / "replies" / command).write_bytes(text.encode() if isinstance(text, str) else text)

    def cut(self) -> None:
        """Close all connections to the daemon."""
        self._running["proxy"].send_signal(signal.SIGUSR1)

    def refuse(self, refusing: bool) -> None:
        """Refuse new connections, or take them again."""
        if refusing:
            (self.folder / "refuse").touch()
        else:
            (self.folder / "refuse").unlink(missing_ok=True)

    def kill_daemon(self) -> None:
        """End adbd at once."""
        self._running["adbd"].kill()
        self._running["adbd"].wait()

    def pause_daemon(self) -> None:
        """Have adbd hang."""
        self._signal_daemon(signal.SIGSTOP)

    def resume_daemon(self) -> None:
        """Have adbd go on."""
        self._signal_daemon(signal.SIGCONT)

    def _signal_daemon(self, number: int) -> None:
        started = psutil.Process(self._running["adbd"].pid)
        for process in [*started.children(recursive=True), started]:
            process.send_signal(number)

    def kill_server(self) -> None:
        """End the adb server."""
        subprocess.run([self.adb, "kill-server"], capture_output=True, timeout=30)

    def fill_storage(self) -> None:
        """Leave no space on the device."""
        with contextlib.suppress(OSError), self.on_device(self.storage / "filler").open("wb") as file:
            while True:
                file.write(b"\0" * (1 << 20))

    def free_storage(self) -> None:
        """Undo `fill_storage`."""
        self.on_device(self.storage / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """End everything."""
        if self.adb.exists():
            self.kill_server()
        for name in ("proxy", "adbd", "namespace"):
            process = self._running.get(name)
            if process is not None:
                process.kill()
                process.wait()

    def _await_port(self, port: int) -> None:
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1).close()"
        for _ in range(100):
            if subprocess.run([*self._enter, sys.executable, "-c", script], capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        raise UnavailableError(f"adbd does not start: {(self.folder / 'adbd.log').read_text()[-300:]}")


@contextlib.contextmanager
def adbd_rig(folder: Path) -> Iterator[AdbdRig]:
    """A connected rig, ended afterwards."""
    rig: AdbdRig | None = None
    try:
        rig = AdbdRig(folder)
        rig.connect()
        yield rig
    finally:
        if rig is not None:
            rig.close()
