"""The command line in processes of its own that need not import torch and coremltools again, most of a command's time.

A server that has imported them, and has computed nothing with them, forks for every command (Linux; elsewhere the
installed program is started). There is one for each process that tests run in, from the first command on. What differs
from the installed program is the start alone. Tests of that start it as a user does: `tests/exporter/cli/`, a killed
run, Ctrl-C, the demo, the README's examples, and one or more of every command that converts (`installed`).
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

LIMIT_S = 600
PROGRAM = str(Path(sys.executable).with_name("mobile-export"))
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([f"{__package__}.heavy_libraries"])

Completed = subprocess.CompletedProcess[str]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def run_installed(arguments: Sequence[object], cwd: Path | str, env: Mapping[str, str] | None = None) -> Completed:
    """The installed `mobile-export` with `arguments`.

    Args:
        arguments: after the program's name.
        cwd: its working directory.
        env: its whole environment; None for that of this process.
    """
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, encoding="utf-8", timeout=LIMIT_S)


def run_warm(arguments: Sequence[object], cwd: Path | str, env: Mapping[str, str] | None = None) -> Completed:
    """As `run_installed`, in a fork of the server; standard input is empty."""
    if sys.platform != "linux":
        return run_installed(arguments, cwd, env)
    words = [str(one) for one in arguments]
    environment = dict(os.environ if env is None else env)
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "stdout", Path(folder) / "stderr"
        process = FORKING.Process(target=_command, args=(words, str(cwd), environment, str(out), str(errors)))
        process.start()
        process.join(LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, LIMIT_S)
        return subprocess.CompletedProcess(words, process.exitcode, out.read_text("utf-8"), errors.read_text("utf-8"))


def warmly(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """What `work` gives or raises in a process as commands have it: for conversions to several formats at once.

    Tests share a process, which has TensorFlow after the first that uses it, and is then no longer forked for each
    format (`exporter.execution.forked.can_fork`): every one would start anew.
    """
    if sys.platform != "linux":
        return work(*args, **kwargs)
    with ProcessPoolExecutor(1, mp_context=FORKING) as pool:
        return pool.submit(work, *args, **kwargs).result()


def _command(arguments: list[str], cwd: str, env: dict[str, str], out: str, errors: str) -> None:
    for descriptor, path in ((1, out), (2, errors)):
        with open(path, "wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["mobile-export", *arguments]
    from exporter.cli.main import main

    main()
