"""Names of models of installed libraries, read from their sources: importing a library takes seconds, this does not."""

import importlib.util
import re
from pathlib import Path

_REGISTERED = re.compile(r"^@register_model(?:\((?:name=\"(\w+)\")?.*?)?\n.*?^def (\w+)\(", re.MULTILINE | re.DOTALL)
PREFIXES = {"torchvision:": "torchvision", "timm:": "timm"}
"""Of MODEL arguments, and the packages that register their models by a decorator."""


def model_names(prefix: str) -> list[str]:
    """MODEL arguments that begin with `prefix`, in alphabetical order; none where the library is not installed."""
    spec = importlib.util.find_spec(PREFIXES[prefix]) if prefix in PREFIXES else None
    if spec is None or spec.origin is None:
        return []
    files = (Path(spec.origin).parent / "models").rglob("*.py")
    found = (match for file in files for match in _REGISTERED.findall(file.read_text(encoding="utf-8")))
    return sorted(f"{prefix}{named or function}" for named, function in found)
