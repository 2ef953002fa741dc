"""Acts as the runner app of `device_harness/ios` does: sessions, clock, receive; any other command is a program.

A bench plan is answered with the document in `bench_document.json` of the container, when a test has put one there.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time


def main() -> int:
    arguments = sys.argv[1:]
    while arguments[:1] == ["--"]:
        arguments = arguments[1:]
    if arguments[:1] == ["--remove"]:
        shutil.rmtree(arguments[1], ignore_errors=True)
        return 0
    folder, command = arguments[1], arguments[3:]
    os.makedirs(folder, exist_ok=True)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
    code = run(command)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.path.join(folder, "exit.part"), "w") as out:
        out.write(f"{code}\n")
    os.replace(os.path.join(folder, "exit.part"), os.path.join(folder, "exit"))
    return code


def run(command: list[str]) -> int:
    if command == ["clock"]:
        print(time.clock_gettime(time.CLOCK_MONOTONIC_RAW))
        return 0
    if command[:1] == ["receive"]:
        return receive(*command[1:])
    if command[:1] == ["bench"]:
        return bench(command[1])
    try:
        return subprocess.run(command).returncode
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127


def receive(part: str, name: str, size: str, sha256: str) -> int:
    with open(part, "rb") as file:
        content = file.read()
    if len(content) != int(size) or hashlib.sha256(content).hexdigest() != sha256:
        os.remove(part)
        sys.stderr.write("A file did not arrive whole\n")
        return 1
    os.makedirs(os.path.dirname(name), exist_ok=True)
    os.chmod(part, 0o755)
    os.replace(part, name)
    return 0


def bench(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    folder = os.path.dirname(path)
    if not os.path.exists(os.path.join(folder, plan["model"])):
        sys.stderr.write(f"The plan cannot be run: there is no {plan['model']}.\n")
        return 1
    with open("bench_document.json", encoding="utf-8") as file:
        document = json.load(file)
    document["settings"] = plan["settings"]
    document["model"] = plan["model"]
    with open(os.path.join(folder, plan["result"]), "w", encoding="utf-8") as out:
        json.dump(document, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
