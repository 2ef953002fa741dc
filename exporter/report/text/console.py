"""The one way to rich's console: what it prints is text, so that no name can be taken for markup or an emoji."""

from rich.console import Console


def plain_console(*, stderr: bool = False, width: int = 160) -> Console:
    """A console that takes text as it is; styles go with `rich.text.Text` or ``style=``.

    Args:
        stderr: write to standard error.
        width: where it is no terminal, so that files have whole lines.
    """
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)
