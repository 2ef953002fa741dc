"""Names of classes in files, and the model's classes."""

from collections.abc import Collection, Sequence

from exporter.data.errors import UsageProblem
from exporter.datasets.kind import Wanted

_SHOWN = 5


def class_places(
    names: Sequence[str], wanted: Wanted, where: str, called: str = "classes"
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The class index of each name, and the names that indices count.

    Names are found among the model's. Where it has none of them, or has no names, their order counts.

    Args:
        names: in the order of the file.
        where: file, for messages.
        called: what the names are of, for messages.

    Raises:
        UsageProblem: some are the model's classes and some are not; or the model has fewer, and a task.
    """
    class_names = wanted.class_names
    strange = [name for name in names if name not in class_names]
    if class_names and not strange:
        return tuple(map(class_names.index, names)), class_names
    if len(strange) < len(names) and class_names:
        raise UsageProblem(
            f"data {where}: {called} {', '.join(strange[:_SHOWN])} are no classes of the model, others are; rename "
            "them."
        )
    if wanted.truths and class_names and len(names) > len(class_names):
        raise UsageProblem(
            f"data {where} has {len(names)} classes; the model has {len(class_names)}, none of them of these names."
        )
    return tuple(range(len(names))), tuple(names)


def unused_note(where: str, names: Sequence[str], used: Collection[int]) -> tuple[str, ...]:
    """A note about classes that no example has, which no figure is of."""
    unused = [name for place, name in enumerate(names) if place not in used]
    if not unused or not used:
        return ()
    shown = ", ".join(unused[:_SHOWN]) + (", ..." if len(unused) > _SHOWN else "")
    return (f"data {where}: no example has {len(unused)} of {len(names)} classes ({shown}); nothing is said of them",)
