"""Class names: read from a file, counted against the model's classes before anything is converted."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from exporter.data.errors import UsageProblem
from exporter.store.given import given_text

BACKGROUND = {"background", "__background__", "_background_", "???", "n/a", "none"}


def read_labels(path: Path) -> tuple[str, ...]:
    """Class names, one a line; a byte-order mark, any line ends and blank lines at the end are no part of them.

    Raises:
        UsageProblem: unreadable, empty, a blank line between names, or a name twice.
    """
    text = given_text(path, called=f"labels {path}", advice="save the file as UTF-8")
    names = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")]
    if names == [""]:
        raise UsageProblem(f"labels {path} has no names; write one class name a line.")
    blank = [line for line, name in enumerate(names, start=1) if not name]
    if blank:
        raise UsageProblem(
            f"labels {path}: line {blank[0]} is blank, and the names after it would be those of other classes. "
            "Remove it, or write that class's name."
        )
    _refuse_duplicates(path, names)
    return tuple(names)


def _refuse_duplicates(path: Path, names: Sequence[str]) -> None:
    lines: dict[str, list[int]] = {}
    for line, name in enumerate(names, start=1):
        lines.setdefault(name, []).append(line)
    twice = [f"{name} in lines {_listed(found)}" for name, found in lines.items() if len(found) > 1]
    if twice:
        more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
        raise UsageProblem(
            f"labels {path}: {'; '.join(twice[:5])}{more}. A name can stand for one class only: make them differ."
        )


def _listed(lines: Sequence[int]) -> str:
    return f"{', '.join(map(str, lines[:-1]))} and {lines[-1]}"


class Names(NamedTuple):
    """Class names: `labels` where the first output is a score a class, else `classes`; and what was done to them."""

    labels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def given_names(path: Path, output: str, shape: Sequence[int], *, has_task: bool) -> Names:
    """The user's names.

    Args:
        output: name of the first output.
        shape: of that output, with the batch.
        has_task: whether a task says what the outputs mean, so that names need not be those of scores.

    Raises:
        UsageProblem: they cannot be read, or are not one a class.
    """
    names = read_labels(path)
    if has_task and class_count(shape) is None:
        return Names(classes=names)
    check_label_count(str(path), names, output, shape)
    return Names(names)


def known_names(names: tuple[str, ...], shape: Sequence[int], *, has_task: bool) -> Names:
    """Names that weights bring, which nobody asked for: those that do not fit are left out."""
    twice = sorted({name for name in names if names.count(name) > 1})
    note = f"the weights' class names have {', '.join(twice)} more than once; the class's number was put behind them"
    notes = (note,) if twice else ()
    if class_count(shape) == len(names):
        return Names(labels=distinct(names), notes=notes)
    if has_task and class_count(shape) is None:
        return Names(classes=distinct(names), notes=notes)
    return Names()


def check_label_count(where: str, labels: Sequence[str], output: str, shape: Sequence[int]) -> None:
    """Refuse labels that are not one a class.

    Args:
        where: the file that they came from.
        labels: class names.
        output: name of the model's first output.
        shape: of that output, with the batch.

    Raises:
        UsageProblem: the output has no class scores, or another number of them.
    """
    classes = class_count(shape)
    if classes is None:
        raise UsageProblem(
            f"labels {where}: class names belong to one score a class, and the model's first output, {output}, has the "
            f"shape {list(shape)}. Leave --labels out."
        )
    if len(labels) != classes:
        first = labels[0]
        spare = len(labels) == classes + 1 and first.lower() in BACKGROUND
        advice = f" Is the first, {first}, one too many?" if spare else " Give one name a class, in the model's order."
        raise UsageProblem(
            f"labels {where}: {_count(labels)}, the model has {classes} class{'' if classes == 1 else 'es'}.{advice}"
        )


def class_count(shape: Sequence[int]) -> int | None:
    """How many classes an output of this shape, batch first, has scores of; None when it has no class scores."""
    axes = [size for size in shape[1:] if size != 1] if len(shape) > 1 else list(shape)
    if len(axes) > 1:
        return None
    return axes[0] if axes else 1


def distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """`labels` with the class's number behind each name that several classes have; ImageNet has two cranes."""
    return tuple(f"{name} ({index})" if labels.count(name) > 1 else name for index, name in enumerate(labels))


def _count(labels: Sequence[str]) -> str:
    return f"{len(labels)} name{'' if len(labels) == 1 else 's'}"
