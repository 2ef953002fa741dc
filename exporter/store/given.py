"""Files that the user named: what cannot be read is a usage problem that names the file."""

from pathlib import Path

from device_harness.digests import file_digest
from exporter.data.errors import UsageProblem


def given_text(path: Path, *, advice: str, called: str = "") -> str:
    """The text of a file, as it stands but for a byte-order mark.

    Args:
        path: of the file.
        advice: what such a file must be, for one that is not UTF-8: ``save the file as UTF-8``.
        called: what to call it; nothing takes the path.

    Raises:
        UsageProblem: it cannot be read, or is not UTF-8.
    """
    called = called or str(path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageProblem(f"{called}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{called}: byte {error.start} is not UTF-8; {advice}.") from error


def given_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        UsageProblem: it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}.") from error
