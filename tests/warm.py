"""The command line in processes of its own that need not import torch and coremltools again, most of a run's time.

A server that has imported them, and has computed nothing with them, forks for every command. What differs from the
installed program is the start alone, and tests of that (`tests/exporter/cli/test_start.py`, a killed run, Ctrl-C, the
README's example) start it as a user does.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT_S = 600
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([f"{__package__}.heavy_libraries"])


def run_warm(arguments: Sequence[object], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`mobile-export` with `arguments`, as `subprocess.run` would give it.

    Args:
        arguments: after the program's name.
        cwd: its working directory.
        env: its whole environment.
    """
    words = [str(one) for one in arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "stdout", Path(folder) / "stderr"
        process = FORKING.Process(target=_command, args=(words, str(cwd), dict(env), str(out), str(errors)))
        process.start()
        process.join(LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, LIMIT_S)
        return subprocess.CompletedProcess(words, process.exitcode, out.read_text(), errors.read_text())


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
