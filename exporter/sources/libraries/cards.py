"""Model cards: README.md files with a front matter, which the Hugging Face hub asks for."""

import re
from pathlib import Path

from exporter.store.given import given_text

CARD = "README.md"
_LICENSE = re.compile(r"^license:\s*[\"']?([\w.-]+)", re.MULTILINE)


def license_of(folder: Path | None) -> str:
    """As the front matter of a folder's card says (``license: apache-2.0``); empty where nothing does."""
    card = None if folder is None else folder / CARD
    if card is None or not card.is_file():
        return ""
    _, opening, rest = given_text(card, advice="save the model card as UTF-8").partition("---\n")
    found = _LICENSE.search(rest.partition("\n---")[0]) if opening else None
    return found.group(1) if found else ""
