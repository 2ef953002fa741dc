"""What a shell completes: targets, devices, recipes and models, without importing what they run on.

click makes the scripts; bash splits words at colons, which its part here puts together again.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

from exporter.data.errors import UsageProblem

_PATIENCE_S = 3.0
"""Devices that have not answered by then are not completed."""


class ColonBash(BashComplete):
    """bash, whose words end at colons: ``torchvision:res`` comes as three words and is completed from the last one."""

    name = "bash"

    def get_completion_args(self) -> tuple[list[str], str]:
        """The whole words before, and the one that is being typed."""
        typed, place = split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
        last = typed[place] if place < len(typed) else ""
        *before, incomplete = joined_at_colons([*typed[1:place], last])
        self.kept = incomplete[: incomplete.rfind(":") + 1]
        return before, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Without what stands before the last colon that was typed, which bash keeps."""
        return f"{item.type},{item.value.removeprefix(self.kept)}"


def joined_at_colons(words: Iterable[str]) -> list[str]:
    """Words with those put together that a colon divides."""
    found: list[str] = []
    for word in words:
        if found and (word == ":" or (found[-1].endswith(":") and word)):
            found[-1] += word
        else:
            found.append(word)
    return found


def install() -> None:
    """Let click take this bash for its own."""
    add_completion_class(ColonBash)


def targets(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of targets, with their descriptions."""
    from exporter.config.files import summaries

    with suppress(UsageProblem):  # a file that cannot be read has no names; the command itself says so
        known = summaries(context.params.get("targets_file"))
        return [CompletionItem(one.name, help=one.description) for one in known if one.name.startswith(incomplete)]
    return []


def recipes(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of recipes in the targets file, and TOML files."""
    from exporter.config.files import tables

    names: list[str] = []
    with suppress(UsageProblem):
        names = list(tables("recipes", context.params.get("targets_file")))
    return _items([*(name for name in names if name.startswith(incomplete)), *_files(incomplete, (".toml",))])


def devices(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Serials of the devices that are there now, ``local`` and ``all``."""
    from device_harness.discovery import at_once, discover

    listing = at_once([discover], _PATIENCE_S)[0].answer
    found = [CompletionItem(one.serial, help=one.model or one.kind) for one in listing.devices] if listing else []
    everything = [*found, CompletionItem("all", help="every device that the target is for")]
    return [item for item in everything if item.value.startswith(incomplete)]


def models(context: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files that hold models, kinds of MODEL arguments, and the names of a library once its kind is typed."""
    from exporter.sources.names import model_names
    from exporter.sources.registry import prefixes, suffixes

    kinds = [prefix for prefix in prefixes() if prefix.startswith(incomplete) or incomplete.startswith(prefix)]
    named = model_names(kinds[0]) if len(kinds) == 1 and incomplete else []
    known = [name for name in named if name.startswith(incomplete)] or kinds
    return _items([*known, *_files(incomplete, (*suffixes(), ".py"))])


def _items(values: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values]


def _files(incomplete: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Paths that begin with `incomplete`: folders, and files with one of `suffixes`."""
    folder = Path(incomplete).parent if not incomplete.endswith(os.sep) else Path(incomplete)
    start = incomplete[: len(incomplete) - len(os.path.basename(incomplete))]
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            name = f"{start}{path.name}"
            if name.startswith(incomplete) and (incomplete or not path.name.startswith(".")):
                if path.is_dir():
                    yield f"{name}{os.sep}"
                elif path.suffix in suffixes:
                    yield name
