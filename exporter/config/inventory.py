"""The inventory of a lab's host: what its devices are called besides what they say of themselves."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from exporter.config.files import read_document
from exporter.config.problems import checked
from exporter.data.base import Frozen
from exporter.data.versions import checked_version

SCHEMA_VERSION = 1
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _label(text: str) -> str:
    if _LABEL.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no label: letters, digits, '.', '_' and '-', as in old-battery")
    return text


class InventoryDevice(Frozen):
    """A device of an inventory.

    Attributes:
        labels: what conditions call it: ``--device label=desk``.
        in_lab: whether the lab measures on it; a phone that somebody works with is left alone.
    """

    labels: tuple[Annotated[str, AfterValidator(_label)], ...] = ()
    in_lab: bool = True


class Inventory(Frozen):
    """An inventory.

    Attributes:
        devices: by serial; every device of the host is in the lab, also when it is not here, but this machine itself,
            ``local``, only when it is.
    """

    devices: dict[str, InventoryDevice] = {}

    def entry(self, names: tuple[str, ...]) -> InventoryDevice | None:
        """Of a device with one of these names; None where it has none."""
        return next((self.devices[name] for name in names if name in self.devices), None)


def load_inventory(path: Path) -> Inventory:
    """The inventory in a TOML or JSON file with its ``schema_version``.

    Raises:
        UsageProblem: unreadable, or not an inventory; every error with its key.
    """
    document = read_document(path)
    checked_version(document, path, SCHEMA_VERSION)
    content = {key: value for key, value in document.items() if key != "schema_version"}
    return checked(Inventory, content, whole=f"{path} has")
