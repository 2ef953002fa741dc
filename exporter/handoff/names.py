"""Names of folders, packages and modules, from whatever a target is called."""

import re


def identifier(name: str) -> str:
    """A word of letters, digits and underscores that begins with a letter: ``Pixel 9`` -> ``Pixel_9``."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "model"
    return word if word[0].isalpha() else f"model_{word}"


def module(name: str) -> str:
    """A name of a Swift module: ``pixel-9`` -> ``Pixel9Model``."""
    return "".join(part[:1].upper() + part[1:] for part in identifier(name).split("_")) + "Model"
