"""The errors a user sees: each message says what is wrong, where, and what to do."""

import errno
import sys

from device_harness.errors import DeviceError

_FAULT = "This is a fault in mobile-export; --debug shows where."


class ExporterError(Exception):
    """Base of every error that this package raises on purpose; `exit_code` is the process's exit code."""

    exit_code = 3


class UsageProblem(ExporterError):  # noqa: N818 - click has a UsageError of its own
    """The command line, a configuration file or an input file is wrong. Exit code 2."""

    exit_code = 2


class ToolError(ExporterError):
    """A converter, library or other tool failed on input that looked right. Exit code 3."""


class ArtifactError(UsageProblem):
    """An artifact cannot be read, or does not take what it is given."""


class NotEvaluableError(ToolError):
    """The artifact is whole, but what would run it here refuses one of its operators: nothing is known of it."""


CONVERTING_PYTHONS = ("3.12", "3.13")
"""For which every converter has wheels; `export` installs nothing on others."""


class MissingExtraError(UsageProblem):
    """A command needs an optional dependency that is not installed, or cannot be on this Python."""

    def __init__(self, package: str, extra: str, python: tuple[int, ...] = sys.version_info[:2]) -> None:
        version, command = ".".join(map(str, python)), f"pip install 'mobile-export[{extra}]'"
        if extra == "export" and version not in CONVERTING_PYTHONS:
            super().__init__(
                f"{package} is not installed: its part of this program runs on Python "
                f"{' and '.join(CONVERTING_PYTHONS)}, and this is Python {version}. Make an environment with one of "
                f"them (python{CONVERTING_PYTHONS[0]} -m venv NAME), and there: {command}"
            )
        else:
            super().__init__(f"{package} is not installed. Install it with: {command}")


_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SUCH_PLACE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)


def file_problem(path: object, error: OSError) -> ExporterError:
    """What `error` says of writing `path`, with what to do.

    A place that cannot be written to is the user's to choose (exit code 2); a full or broken disk is not (exit code 3).
    """
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ToolError(f"{path} cannot be written: {said}. Free some space there, or choose another place.")
    if error.errno in _NOT_ALLOWED + _NO_SUCH_PLACE:
        return UsageProblem(f"{path} cannot be written: {said}. Choose another place.")
    return ToolError(f"{path} cannot be written: {said}.")


def sentence_of(error: BaseException) -> str:
    """What to tell the user of any error; one that nobody raised on purpose is called a fault of this program."""
    match error:
        case ExporterError() | DeviceError():
            return str(error)
        case OSError():
            return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
        case MemoryError():
            return "there is not enough memory for this; close other programs, or give fewer or smaller examples."
        case _:
            return f"{type(error).__name__}: {first_line(error)}\n{_FAULT}"


def code_of(error: BaseException) -> int:
    """The exit code that `error` stands for."""
    return error.exit_code if isinstance(error, ExporterError | DeviceError) else ToolError.exit_code


def is_fault(error: BaseException) -> bool:
    """Whether nobody raised `error` on purpose."""
    return not isinstance(error, ExporterError | DeviceError | OSError | MemoryError)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type where it has none."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
