"""Stand-ins for Apple's tools on PATH: `xcrun`, `xcodebuild`, `powermetrics`, `pymobiledevice3` and others.

Started as ``tools.py TOOL ARGUMENTS...`` with FAKE_APPLE naming a folder. What it answers:

- `script.json` in that folder, if there: a list of steps that must come in this order, each tool and subcommand for
  itself, with exactly these arguments
  (``"*"`` stands for a path that changes). A step has ``tool``, ``args``, and any of ``stdout`` (a list is written
  piece by piece), ``stderr``, ``rc``, ``delay_s``, ``json`` (written to the path after --json-output), ``json_text``
  (the same, as it stands: cut or garbled), ``file`` (in this folder; copied to the last argument,
  or the path after ``file_to``), ``hang`` and ``prompt``. Anything else ends with code 97.
- otherwise a device is acted out: its container is the folder `container`, its runner app is `runner.py`.

Every call is appended to `calls.jsonl`. Only the standard library, so that it starts fast.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
import time
from typing import Any

Step = dict[str, Any]

HOME = os.environ["FAKE_APPLE"]
CONTAINER = os.path.join(HOME, "container")
UNEXPECTED = 97


def main() -> int:
    tool, arguments = os.path.basename(sys.argv[1]), sys.argv[2:]
    with open(os.path.join(HOME, "calls.jsonl"), "a", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.write(json.dumps([tool, *arguments]) + "\n")
        log.flush()
        step = next_step([tool, *arguments][:2])
    if step is not None:
        return play(step, tool, arguments)
    if tool == "xcrun" and arguments[:1] == ["devicectl"]:
        return devicectl(arguments[1:])
    if tool == "xcrun" and arguments[:1] == ["simctl"]:
        return simctl(arguments[1:])
    if tool == "pymobiledevice3":
        return pymobiledevice(arguments)
    if tool == "xcodebuild":
        kind = {"iOS": "iphoneos", "iOS Simulator": "iphonesimulator"}[option(arguments, "-destination").split("=")[1]]
        os.makedirs(
            os.path.join(option(arguments, "-derivedDataPath"), f"Build/Products/Release-{kind}/CoreMLBench.app")
        )
        return 0
    return unexpected(tool, arguments, "nothing")


def next_step(call: list[str]) -> Step | None:
    """The next step of the script for this tool and subcommand; the caller holds the lock.

    Tools that are asked at the same time come in any order; each for itself keeps the script's.
    """
    path = os.path.join(HOME, "script.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        steps = json.load(file)
    record = os.path.join(HOME, "position")
    played = []
    if os.path.exists(record):
        with open(record, encoding="utf-8") as file:
            played = json.load(file)
    left = [number for number in range(len(steps)) if number not in played]
    if not left:
        return {"tool": "the script has ended", "args": []}
    own = [number for number in left if [steps[number]["tool"], *steps[number]["args"]][:2] == call]
    chosen = (own or left)[0]
    with open(record, "w", encoding="utf-8") as file:
        json.dump([*played, chosen], file)
    step: Step = steps[chosen]
    return step


def number_in(path: str) -> int:
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as file:
        return int(file.read())


def unexpected(tool: str, arguments: list[str], wanted: object) -> int:
    sys.stderr.write(f"stand-in: unexpected call {[tool, *arguments]}; the script wants {wanted}\n")
    return UNEXPECTED


def play(step: Step, tool: str, arguments: list[str]) -> int:
    wanted = step["args"]
    same = len(wanted) == len(arguments) and all(a in ("*", b) for a, b in zip(wanted, arguments, strict=True))
    if step["tool"] != tool or not same:
        return unexpected(tool, arguments, [step["tool"], *wanted])
    if step.get("prompt"):
        sys.stdout.write(step["prompt"])
        sys.stdout.flush()
        if not sys.stdin.readline():
            sys.stderr.write("no answer on standard input\n")
            return 1
    for part in step.get("stdout", []) if isinstance(step.get("stdout"), list) else [step.get("stdout", "")]:
        sys.stdout.write(part)
        sys.stdout.flush()
        time.sleep(step.get("delay_s", 0))
    sys.stderr.write(step.get("stderr", ""))
    if "json" in step or "json_text" in step:
        with open(arguments[arguments.index("--json-output") + 1], "w", encoding="utf-8") as file:
            file.write(step["json_text"] if "json_text" in step else json.dumps(step["json"]))
    if "file" in step:
        source, target = (
            os.path.join(HOME, step["file"]),
            option(arguments, step["file_to"]) if "file_to" in step else arguments[-1],
        )
        shutil.copytree(source, target) if os.path.isdir(source) else shutil.copyfile(source, target)
    if step.get("hang"):
        sys.stdout.flush()
        time.sleep(3600)
    return step.get("rc", 0)


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def answer(arguments: list[str], result: dict[str, Any] | None, error: str = "") -> int:
    info = {"outcome": "success" if result is not None else "failed", "jsonVersion": 2, "version": "397.21"}
    document: dict[str, Any] = {"info": info}
    if result is not None:
        document["result"] = result
    else:
        document["error"] = {
            "code": 1,
            "domain": "com.apple.dt.CoreDeviceError",
            "userInfo": {"NSLocalizedDescription": {"string": error}},
        }
    with open(option(arguments, "--json-output"), "w", encoding="utf-8") as file:
        json.dump(document, file)
    if result is None:
        sys.stderr.write(f"ERROR: {error}\n")
    return 0 if result is not None else 1


def devicectl(arguments: list[str]) -> int:
    head = arguments[:3]
    if head[:2] == ["list", "devices"]:
        with open(os.path.join(HOME, "devices.json"), encoding="utf-8") as file:
            return answer(arguments, json.load(file)["result"])
    if head == ["device", "install", "app"]:
        return answer(arguments, {"installedApplications": [{"bundleID": "org.mobile-export.coreml-bench"}]})
    if head[:2] == ["device", "copy"]:
        return copy(arguments)
    if head == ["device", "process", "launch"]:
        split = arguments.index("--")
        env = json.loads(option(arguments, "--environment-variables")) if "--environment-variables" in arguments else {}
        return answer(arguments, {"process": {"processIdentifier": launch(arguments[split + 1 :], env)}})
    if head == ["device", "info", "processes"]:
        processes = [{"processIdentifier": pid, "executable": "file:///app"} for pid in (last_pid(),) if alive(pid)]
        return answer(arguments, {"runningProcesses": processes})
    if head == ["device", "process", "terminate"]:
        pid = int(option(arguments, "--pid"))
        if not alive(pid):
            return answer(arguments, None, "The process could not be found")
        kill(pid)
        return answer(arguments, {"process": {"processIdentifier": pid}})
    return unexpected("xcrun", ["devicectl", *arguments], "a known subcommand")


def copy(arguments: list[str]) -> int:
    source, destination = option(arguments, "--source"), option(arguments, "--destination")
    if arguments[2] == "to":
        destination = os.path.join(CONTAINER, destination)
    else:
        source = os.path.join(CONTAINER, source)
    try:
        shutil.copyfile(source, destination)
    except OSError as error:
        return answer(arguments, None, f"The file could not be found: {error.strerror}")
    return answer(arguments, {"source": source, "destination": destination})


def simctl(arguments: list[str]) -> int:
    if arguments[0] == "list":
        with open(os.path.join(HOME, "simulators.json"), encoding="utf-8") as file:
            sys.stdout.write(file.read())
        return 0
    if arguments[0] in ("bootstatus", "install"):
        return 0
    if arguments[0] == "get_app_container":
        sys.stdout.write(CONTAINER + "\n")
        return 0
    if arguments[0] == "launch":
        _, _, _, bundle, *rest = arguments
        env = {key[13:]: value for key, value in os.environ.items() if key.startswith("SIMCTL_CHILD_")}
        sys.stdout.write(f"{bundle}: {launch(rest, env)}\n")
        return 0
    return unexpected("xcrun", ["simctl", *arguments], "a known subcommand")


def pymobiledevice(arguments: list[str]) -> int:
    if arguments[:2] == ["usbmux", "list"]:
        sys.stdout.write("[]")
        return 0
    if arguments[:2] == ["apps", "push"]:
        return pushed(arguments[3], os.path.join(CONTAINER, arguments[4]))
    if arguments[:2] == ["apps", "pull"]:
        return pushed(os.path.join(CONTAINER, arguments[3]), arguments[4])
    if arguments[:3] == ["developer", "dvt", "launch"]:
        pairs = [arguments[i + 1].split("=", 1) for i, part in enumerate(arguments) if part == "--env"]
        _, *rest = shlex.split(arguments[arguments.index("--udid") - 1])
        sys.stdout.write(f"Process launched with pid {launch(rest, dict(pairs))}\n")
        return 0
    if arguments[:3] == ["developer", "dvt", "process-id-for-bundle-id"]:
        pid = last_pid()
        sys.stdout.write(f"{pid if alive(pid) else 0}\n")
        return 0
    if arguments[:3] == ["developer", "dvt", "kill"]:
        kill(int(arguments[3]))
        return 0
    return unexpected("pymobiledevice3", arguments, "a known subcommand")


def pushed(source: str, target: str) -> int:
    try:
        shutil.copyfile(source, target)
    except OSError:
        sys.stderr.write("ERROR AfcFileNotFoundError: OBJECT_NOT_FOUND\n")
        return 1
    return 0


def launch(arguments: list[str], env: dict[str, str]) -> int:
    kill(last_pid())
    app = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner.py")
    pid = os.fork()
    if pid == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.chdir(CONTAINER)
        os.execve(sys.executable, [sys.executable, "-I", "-S", app, *arguments], {**os.environ, **env})
    # Whoever is told the pid may end its group at once: it must be one by then.
    while alive(pid) and os.getpgid(pid) != pid:
        time.sleep(0.001)
    with open(os.path.join(HOME, "pid"), "w") as file:
        file.write(str(pid))
    return pid


def last_pid() -> int:
    path = os.path.join(HOME, "pid")
    return number_in(path)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return pid > 0 and file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    if alive(pid):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        while alive(pid):
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
