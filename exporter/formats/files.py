"""Files and packages that anyone made, read by the format that their names tell.

A file that was cut off while it was written or copied must not be measured, verified or profiled as if it were the
model. Only the structure is checked: what every value means is for whoever reads the file.
"""

from pathlib import Path

from exporter.data.errors import UsageProblem
from exporter.data.facts.artifact import FileFacts
from exporter.data.facts.inspection import Inspection
from exporter.formats.registry import format_of, suffixes


def check_whole(path: Path) -> None:
    """Check a file or package of any format; other forms are not known and pass. No runtime is needed.

    Raises:
        UsageProblem: it is truncated, damaged, or not what its name says.
    """
    form = format_of(path)
    if form is None or (path.is_dir() and path.suffix.lower() not in form.packing.folders):
        return
    try:
        form.check_whole(path)
    except (ValueError, RecursionError) as error:  # a Damage, or a name or number that Python cannot read
        raise UsageProblem(f"{path} is damaged or cut off: {error}. Copy or export it again.") from error
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror or error}.") from error


def inspect(path: Path) -> Inspection:
    """The facts of a file or package.

    Raises:
        UsageProblem: not there, of another form, or damaged.
        MissingExtraError: reading this form needs the export extra.
    """
    if not path.exists():
        raise UsageProblem(f"{path}: there is no such file or folder.")
    check_whole(path)
    form = format_of(path)
    if form is None:
        raise UsageProblem(f"{path}: only {suffixes()} can be inspected.")
    return form.inspect(path)


def file_facts(path: Path) -> FileFacts:
    """What a file or package itself shows, for the gates; nothing of a form that is no format's."""
    form = format_of(path)
    return FileFacts() if form is None else form.file_facts(path)
