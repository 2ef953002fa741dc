"""The errors a user sees: each message says what is wrong, where, and what to do."""


class ExporterError(Exception):
    """Base of every error that this package raises on purpose; `exit_code` is the process's exit code."""

    exit_code = 3


class UsageProblem(ExporterError):  # noqa: N818 - click has a UsageError of its own
    """The command line, a configuration file or an input file is wrong. Exit code 2."""

    exit_code = 2


class ToolError(ExporterError):
    """A converter, library or other tool failed on input that looked right. Exit code 3."""


class MissingExtraError(UsageProblem):
    """A command needs an optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed. Install it with: pip install 'mobile-export[{extra}]'")


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type where it has none."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
