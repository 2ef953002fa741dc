"""Names of classes in files, and the model's classes."""

from collections.abc import Collection, Sequence

from exporter.data.errors import UsageProblem

_SHOWN = 5


def class_places(
    names: Sequence[str], class_names: Sequence[str], where: str, called: str = "classes"
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The class index of each name, and the names that indices count.

    Names are found among the model's. Where it has none of them, or has no names, their order counts.

    Args:
        names: in the order of the file.
        class_names: of the model; empty where they are not known.
        where: file, for messages.
        called: what the names are of, for messages.

    Raises:
        UsageProblem: some are the model's classes and some are not.
    """
    strange = [name for name in names if name not in class_names]
    if class_names and not strange:
        return tuple(map(list(class_names).index, names)), tuple(class_names)
    if len(strange) < len(names) and class_names:
        raise UsageProblem(
            f"data {where}: {called} {', '.join(strange[:_SHOWN])} are no classes of the model, others are; rename "
            "them."
        )
    return tuple(range(len(names))), tuple(names)


def unused_note(where: str, names: Sequence[str], used: Collection[int]) -> tuple[str, ...]:
    """A note about classes that no example has, which no figure is of."""
    unused = [name for place, name in enumerate(names) if place not in used]
    if not unused or not used:
        return ()
    shown = ", ".join(unused[:_SHOWN]) + (", ..." if len(unused) > _SHOWN else "")
    return (f"data {where}: no example has {len(unused)} of {len(names)} classes ({shown}); nothing is said of them",)
