"""A device behind adb: Android phones and emulators, and Linux boards with adbd. Speaks through the adb client program.

Facts that shape this file (measured with adb 29 and 34 against adbd 34): ending the client does not end the program on
the device; `adb connect` reports refusal with exit code 0; a cut connection and a program's own code 255 look alike.
So every command runs under a marker in its environment, by which it is found and killed, and announces its own end on
standard error: without that line the end was not seen.
"""

import contextlib
import shlex
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from device_harness import process
from device_harness.adb import client as adb_client
from device_harness.adb import errors as adb_errors
from device_harness.adb.client import AdbClient
from device_harness.adb.facts import adb_info
from device_harness.digests import file_digest
from device_harness.errors import (
    CommandTimeoutError,
    DeviceDisconnectedError,
    DeviceError,
    DeviceNotFoundError,
    DeviceRebootedError,
    DeviceUnauthorizedError,
    TransferError,
    UnreadableOutputError,
)
from device_harness.protocol import ClockOffset, CommandResult, DeviceInfo

MARKER = "MOBILE_EXPORT_RUN"
GUARD_GRACE_S = 20
Result = TypeVar("Result")
Number = TypeVar("Number", int, float)

# Runs on the device as `sh -c SCRIPT`. Ends when its standard input does: when this session closes, when this process
# is killed, when the cable is lost. After a grace, unless a newer guard took over, it undoes everything.
_GUARD = """trap '' HUP INT TERM PIPE
cd {workspace} || exit 1
echo $$ > .guard; echo {lease} > .lease
cat /proc/sys/kernel/random/boot_id; echo guarding
cat > /dev/null
[ -e .closing ] || sleep {grace}
[ "$(cat .lease 2>/dev/null)" = {lease} ] || exit 0
{finish}"""

# Looked for again after killing: a process may have started another while the list was made.
_KILL = """for round in 1 2 3 4 5; do
  found=$(grep -l {marker}={token} /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$found" ] || break
  for p in $found; do p=${{p#/proc/}}; kill -9 "${{p%/environ}}" 2>/dev/null; done
done
"""

_RESTORE = """[ -f .restore ] && sh .restore > /dev/null 2>&1
cd / && rm -rf {workspace}"""

_FINISH = "cd {workspace} 2>/dev/null || exit 0\n" + _KILL + _RESTORE

# Clears up after sessions whose guards are gone (a reboot, or init ended them with adbd), then makes a workspace. The
# same shell goes on as its guard: there is no moment at which the workspace has none.
_OPEN = """trap '' HUP INT TERM PIPE
for base in /data/local/tmp /tmp; do [ -w "$base" ] && break; done
for old in "$base"/mobile-export.*; do
  [ -d "$old" ] || continue
  if [ -f "$old/.guard" ]; then kill -0 "$(cat "$old/.guard")" 2>/dev/null && continue
  else [ -n "$(find "$old" -maxdepth 0 -mmin +1 2>/dev/null)" ] || continue; fi
  cd "$old" && {{ [ -f .restore ] && sh .restore > /dev/null 2>&1; cd /; rm -rf "$old"; }}
done
workspace=$(mktemp -d "$base/mobile-export.XXXXXXXX") || exit 1
echo "$workspace"
"""


class AdbProcess:
    """Implements `RunningProcess` for a program on a device behind adb."""

    def __init__(self, device: "AdbDevice", command: Sequence[str], env: Mapping[str, str] | None) -> None:
        self._device = device
        self._command = tuple(command)
        self._token = uuid.uuid4().hex
        self._began = time.monotonic()
        self._client = device.client.start("shell", device.script(self._command, env or {}, self._token))
        self._ended = False
        self._finished: CommandResult | None = None
        self.pid = 0

    def await_pid(self) -> Self:
        """Wait until the program runs on the device, and learn its number."""
        end = time.monotonic() + adb_client.CONTROL_LIMIT_S
        while not self.pid:
            words = self._client.errors_so_far().partition("\n")
            if words[1] and words[0].startswith(self._token):
                self.pid = self._device.number(words[0].split()[1:], "the number of a process", int)
            elif self._client.poll() is not None:
                raise self._device.lost(self._client.output_so_far() + self._client.errors_so_far())
            elif time.monotonic() > end:
                self._client.close()
                raise CommandTimeoutError(f"{self._device.serial}: {self._command[0]} was not started within "
                                          f"{adb_client.CONTROL_LIMIT_S:g} s.", serial=self._device.serial)  # fmt: skip
            else:
                time.sleep(0.02)
        return self

    def poll(self) -> int | None:
        """The return code when it has ended, else None."""
        if self._finished is None and self._client.poll() is not None:
            self._finished = self._result(self._client.wait(1))
        return self._finished.returncode if self._finished else None

    def wait(self, timeout_s: float) -> CommandResult:
        """See `RunningProcess.wait`."""
        if self._finished is not None:
            return self._finished
        try:
            result = self._client.wait(timeout_s)
        except CommandTimeoutError:
            self.kill()
            raise CommandTimeoutError(
                f"{self._device.serial}: {self._command[0]} did not end within {timeout_s:g} s and was killed there.",
                serial=self._device.serial,
            ) from None
        self._finished = self._result(result)
        return self._finished

    def kill(self) -> None:
        """Kill on the device, then end the client."""
        try:
            if not self._ended:
                self._device.kill_marked(self._token)
                self._ended = True
        finally:
            self._client.close()

    def close(self) -> None:
        """End the client alone; the device's guard or `kill` ends the program."""
        self._client.close()

    def _result(self, result: CommandResult) -> CommandResult:
        """Cut the announcements from standard error; without the last one the connection was lost."""
        head, _, rest = result.stderr.partition(b"\n")
        body, found, code = rest.rpartition(f"\n{self._token} ".encode())
        if not head.startswith(self._token.encode()) or not found:
            raise self._device.lost(result.text[-200:] + result.errors[-500:])
        self._ended = True
        self._client.close()
        return CommandResult(
            command=self._command,
            returncode=self._device.number(code.decode("ascii", "replace").split(), "a return code", int),
            stdout=result.stdout,
            stderr=body,
            duration_s=time.monotonic() - self._began,
        )


class AdbDevice:
    """Implements `Device` over adb."""

    def __init__(self, serial: str, *, program: str | None = None) -> None:
        """Connect, clear up after sessions that were lost, make a workspace and set a guard on the device.

        Raises:
            DeviceError: it cannot be used; the type and message say why.
        """
        self.serial = serial
        self.client = AdbClient(serial, program)
        self._token = uuid.uuid4().hex
        self._started: list[AdbProcess] = []
        self._closed = False
        self._guard: process.Process | None = None
        self._info: DeviceInfo | None = None
        if "shell_v2" not in self._features().split():
            raise DeviceError(f"{serial}: its adb is too old to return exit codes. Android 7 or newer is needed.",
                              serial=serial)  # fmt: skip
        self.workspace = ""
        self._boot_id = ""
        words = self._set_guard().split()
        if len(words) < 2:
            raise UnreadableOutputError(f"{serial}: it did not tell its boot id but {words!r}.", serial=serial)
        self.workspace, self._boot_id = words[0], words[1]

    def _features(self) -> str:
        try:
            return self.client.call("features").text
        except DeviceNotFoundError:
            if ":" not in self.serial:
                raise
            self.client.reconnect()
            return self.client.call("features").text

    def info(self) -> DeviceInfo:
        """What getprop and uname tell."""
        if self._info is None:
            self._info = self._again(lambda: adb_info(self.serial, self.client))
        return self._info

    def push(self, source: Path, name: str, *, executable: bool = False, timeout_s: float = 300) -> str:
        """See `Device.push`; repeated once when the connection was lost and came back."""
        if not source.is_file():
            raise TransferError(f"{source} is not a file that can be pushed.", serial=self.serial)
        return self._again(lambda: self._push(source, name, executable, timeout_s))

    def pull(self, path: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Device.pull`; repeated once when the connection was lost and came back."""
        with tempfile.TemporaryDirectory(dir=destination.absolute().parent) as folder:
            partial = Path(folder, "pulled")
            self._again(lambda: self._checked_transfer("pull", path, str(partial), timeout_s))
            partial.replace(destination)

    def run(self, command: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """See `Device.run`; never repeated, because it may have had an effect."""
        running = AdbProcess(self, command, env)
        try:
            return running.wait(timeout_s)
        except BaseException:
            with contextlib.suppress(DeviceError):
                running.kill()
            raise

    def start(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> AdbProcess:
        """See `Device.start`."""
        running = AdbProcess(self, command, env)
        self._started.append(running)
        return running.await_pid()

    def clock_offset(self) -> ClockOffset:
        """From the tightest of five exchanges of /proc/uptime, which counts hundredths of a second."""
        best: ClockOffset | None = None
        for _ in range(5):
            before = time.monotonic()
            text = self._again(lambda: self.client.call("shell", "cat /proc/uptime").text)
            after = time.monotonic()
            device_s = self.number(text.split(), "its uptime", float)
            found = ClockOffset(offset_s=device_s - (before + after) / 2, uncertainty_s=(after - before) / 2 + 0.01)
            best = found if best is None or found.uncertainty_s < best.uncertainty_s else best
        assert best is not None
        return best

    def on_leaving(self, command: str) -> None:
        """Have the device run this shell command when the session ends, however it ends; the last given runs first.

        Raises:
            DeviceError: it could not be written down; then nothing may be changed that it would undo.
        """
        path = shlex.quote(f"{self.workspace}/.restore")
        line = shlex.quote(command)
        script = f"{{ printf '%s\\n' {line}; cat {path} 2>/dev/null; true; }} > {path}.new && mv {path}.new {path}"
        self.client.call("shell", script)

    def close(self) -> None:
        """See `Device.close`; when the connection is lost, the guard on the device does the same."""
        if self._closed:
            return
        self._closed = True
        where = shlex.quote(self.workspace)
        finish = self._finish_script(where)
        try:
            self._again(lambda: self.client.call("shell", f"touch {where}/.closing; {finish}"))
        except DeviceError:
            # The guard sees the same loss and clears up by itself.
            pass
        finally:
            for running in self._started:
                running.close()
            if self._guard is not None:
                self._guard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def script(self, command: Sequence[str], env: Mapping[str, str], token: str) -> str:
        """What `adb shell` gets: `command` as data, with its beginning and end announced on standard error."""
        exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in env.items())
        inner = 'printf "%s %s\\n" "$0" "$$" >&2; exec "$@"'
        return (
            f"cd {shlex.quote(self.workspace)} || exit 1; {exports}export {MARKER}={self._token}.{token}; "
            f"sh -c {shlex.quote(inner)} {token} {shlex.join(command)} < /dev/null; "
            f'printf "\\n%s %s\\n" {token} "$?" >&2'
        )

    def kill_marked(self, token: str) -> None:
        """Kill every process on the device that was started under this token."""
        script = _KILL.format(marker=MARKER, token=f"{self._token}.{token}") + "true"
        self._again(lambda: self.client.call("shell", script))

    def number(self, words: Sequence[str], what: str, kind: Callable[[str], Number]) -> Number:
        """The first of `words` as a number.

        Raises:
            UnreadableOutputError: it is none; a device whose output is garbled gives no figures.
        """
        try:
            return kind(words[0])
        except (ValueError, IndexError) as error:
            told = " ".join(words)[:80]
            raise UnreadableOutputError(f"{self.serial}: {what} is {told!r}, no number.", serial=self.serial) from error

    def lost(self, words: str) -> DeviceError:
        """The error of a command whose end was not seen."""
        error = adb_errors.classify(self.serial, "the connection while a command ran", words)
        return error if isinstance(error, DeviceUnauthorizedError) else adb_errors.disconnected(self.serial, words)

    def _again(self, operation: Callable[[], Result]) -> Result:
        """Do it; when the connection is lost, wait for it to come back and do it once more."""
        try:
            return operation()
        except (DeviceDisconnectedError, DeviceNotFoundError) as error:
            self.client.reconnect()
            boot_id = self.client.call("shell", "cat /proc/sys/kernel/random/boot_id").text.strip()
            if boot_id != self._boot_id:
                raise DeviceRebootedError(
                    f"{self.serial} started anew during the session. Wait until it is up and run again.",
                    serial=self.serial,
                ) from error
            if not self._closed:
                self._set_guard()
            return operation()

    def _set_guard(self) -> str:
        """Leave a process on the device that clears up when this session is gone; returns what it said.

        The first one makes the workspace and says where it is before the boot id; later ones say the boot id.
        """
        if self._guard is not None:
            self._guard.close()
        where = shlex.quote(self.workspace) if self.workspace else '"$workspace"'
        script = _GUARD.format(
            workspace=where, lease=uuid.uuid4().hex, grace=GUARD_GRACE_S, finish=self._finish_script(where)
        )
        opening = "" if self.workspace else _OPEN.format()
        self._guard = self.client.start("shell", opening + script, hold_stdin=True)
        end = time.monotonic() + adb_client.CONTROL_LIMIT_S
        while "guarding" not in self._guard.output_so_far():
            if self._guard.poll() is not None or time.monotonic() > end:
                words = self._guard.errors_so_far()
                self._guard.close()
                raise adb_errors.classify(self.serial, "making a folder in /data/local/tmp or /tmp", words)
            time.sleep(0.02)
        return self._guard.output_so_far()

    def _finish_script(self, where: str) -> str:
        return _FINISH.format(workspace=where, marker=MARKER, token=self._token)

    def _push(self, source: Path, name: str, executable: bool, timeout_s: float) -> str:
        target = f"{self.workspace}/{name}"
        partial = f"{target}.part"
        quoted, quoted_partial = shlex.quote(target), shlex.quote(partial)
        try:
            self._checked_transfer("push", str(source.absolute()), partial, timeout_s)
            mode, digest = "755" if executable else "644", file_digest(source)
            script = (
                f"found=$(sha256sum < {quoted_partial}) || exit 1; "
                f'[ "${{found%% *}}" = {digest} ] || {{ echo damaged; exit 0; }}; '
                f"chmod {mode} {quoted_partial} && mv -f {quoted_partial} {quoted}"
            )
            if "damaged" in self.client.call("shell", script, timeout_s=timeout_s).text:
                raise TransferError(
                    f"{self.serial}: {source.name} arrived damaged. Try again; then check cable and storage.",
                    serial=self.serial,
                )
        except DeviceDisconnectedError:
            raise
        except DeviceError:
            self.client.call("shell", f"rm -f {quoted_partial}", check=False)
            raise
        return target

    def _checked_transfer(self, verb: str, source: str, target: str, timeout_s: float) -> None:
        result = self.client.call(verb, source, target, timeout_s=timeout_s, check=False)
        if result.returncode != 0:
            raise adb_errors.classify_transfer(self.serial, verb, source, result.text + result.errors)
