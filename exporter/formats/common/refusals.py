"""What a user reads when a converter refuses a model: the layer, the operator, who refused, and what to do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.data.errors import ToolError, first_line

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"stft|fft|^dft$|complex|view_as_real",
        "Compute the spectrum before the model, or as a convolution with sines and cosines",
    ),
    (
        r"linalg|inverse|^det$|determinant|svd|^qr$|cholesky|eig|lstsq|solve|pinv|lu_factor|matrix_exp",
        "Move the linear algebra out of the model, or write a small case out",
    ),
    (
        r"unique|nonzero|masked_select|bincount|histc|histogram",
        "The size of its result depends on values: keep a fixed size with a mask, torch.where or torch.topk",
    ),
    (r"sort|median|mode|kthvalue|quantile", "Use torch.topk, which phones have"),
    (r"pythonop|autograd", "Write its forward with torch's own functions"),
    (
        r"rand|dropout|bernoulli|multinomial|^normal|gumbel|exponential",
        "Draw random numbers outside of the model and give them as an input; "
        "a model in eval mode needs none for dropout",
    ),
    (
        r"gamma|erfinv|(^|_)i[01]e?$|bessel|zeta|ndtri|airy",
        "Approximate it by a polynomial or a table on the range that matters",
    ),
    (r"grid_?sampl", "Sample images only, bilinear or nearest"),
    (r"unpool|max_?pool", "Use a pool without indices and without dilation"),
    (r"deform|roi_|nms", "Export the model up to it, and do the rest in the app"),
    (r"^loop$|^if$|while|scan|sequence", "Write loops and branches out, so that the graph does not depend on values"),
    (r"lstm|gru|rnn", "Use shorter sequences and pass the states on, or torch's own layer without extras"),
    (r"conv", "Use a convolution without dilation in three dimensions, and with plain padding"),
    (r"interpolate|upsample|resize", "Use bilinear or nearest without antialiasing"),
)
FALLBACK = "Replace it there by operators that the format has, or do it outside of the model"
PATH = re.compile(r"(?:/[\w.+-]+){2,}/?(?::\d+)*:?|[A-Z]:\\\S+")
WRAPPERS = re.compile(r"^(__module\.?)?(module\.)*(module$)?")
MOST_LETTERS = 200


class RefusedError(ToolError):
    """A route cannot convert a model.

    Attributes:
        fact: who refused what, where and why, without a full stop.
        remedy: what to write instead, without a full stop.
        operator: that is refused; empty where that is not known.
        place: where it is, likewise.
    """

    def __init__(self, fact: str, remedy: str, operator: str = "", place: str = "") -> None:
        super().__init__(f"{fact}. {remedy}, or choose another target.")
        self.fact, self.remedy, self.operator, self.place = fact, remedy, operator, place

    @property
    def located(self) -> bool:
        """Whether it says which operator it is and where."""
        return bool(self.operator and self.place)


def refusal(route: str, operator: str, place: str, why: str = "") -> RefusedError:
    """The error that a user sees.

    Args:
        route: who refused, for example ``coremltools``.
        operator: as PyTorch, or else ONNX, calls it; empty when it is not known.
        place: where it is, from `place_of`, or empty.
        why: in the converter's words, if it said anything of use.
    """
    what = f"operator {operator}" if operator else "the model"
    where = f" in {place}" if place else ""
    reason = f": {plain(why)}" if plain(why) else ""
    fact = f"{route} cannot convert {what}{where}{reason}"
    return RefusedError(fact, remedy(operator), operator, place)


def remedy(operator: str) -> str:
    """What to write instead."""
    return next((text for pattern, text in REMEDIES if re.search(pattern, operator, re.IGNORECASE)), FALLBACK)


def plain(text: str) -> str:
    """The first sentence of a library's message, without paths and marks of its own."""
    line = PATH.sub("", text.strip().splitlines()[0] if text.strip() else "")
    line = re.split(r"\s*\[Caused by|\s*Please feel free|\s*Please open|\. Support for this operator", line)[0]
    line = re.sub(r"\{\{.*?\}\}|\x1b\[[0-9;]*m", "", line).strip(" .:\n")
    return line if len(line) <= MOST_LETTERS else line[:MOST_LETTERS].rsplit(" ", 1)[0] + " ..."


def place_of(graph: Any, operator: str) -> str:
    """The layer, and the line of the user's code, of the first node of a TorchScript graph with this operator."""
    wanted = operator_names(operator)
    for node in _nodes(graph):
        if node.kind().rpartition("::")[2].strip("^").lower() in wanted:
            return place(layer_of_scope(node.scopeName()), line_of(node.sourceRange()))
    return ""


def operator_names(operator: str) -> set[str]:
    """What graphs call an operator that somebody names, without its namespace."""
    return {prefix + operator.lower() + end for prefix in ("", "special_", "linalg_", "_") for end in ("", "_")}


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.nodes():
        yield node
        for block in node.blocks():
            yield from _nodes(block)


def place(layer: str, line: str) -> str:
    """A layer and a line of the user's code, as text."""
    named = f"layer {layer}" if layer else "the model's own forward"
    return f"{named} ({line})" if line else named


def layer_of_scope(scope: str) -> str:
    """A layer's dotted name from a scope of a traced graph, ``__module.a/__module.a.b``; empty for the model itself."""
    return WRAPPERS.sub("", scope.rpartition("/")[2])


def layer_of_onnx(name: str) -> str:
    """Where an ONNX node comes from, as text."""
    return place(layer_path(name), "")


def layer_path(name: str) -> str:
    """The dotted name of the layer that an ONNX node comes from; empty for the model itself.

    The node's name is the path of its layer and its operator, ``/a/b.0/Conv``; children of a container repeat its
    name, ``/a/a.0/a.0.1/Conv``.
    """
    parts: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return WRAPPERS.sub("", ".".join(parts))


def line_of(source: str) -> str:
    """``model.py, line 12``, of the innermost frame, ``FILE(LINE)``, that is neither torch's nor this program's."""
    own = str(Path(__file__).resolve().parents[2])
    for file, line in re.findall(r"(\S+\.py)\((\d+)\)", source):
        if "/lib/python" not in file and "site-packages" not in file and not file.startswith(own):
            return f"{Path(file).name}, line {line}"
    return ""


def onnx_refusal(error: Exception, graph: Any) -> ToolError:
    """Why torch's ONNX exporter refused a model, of which `graph` is the TorchScript graph."""
    text = str(error)
    found = re.search(r"operator 'aten::(\w+)'|= aten::(\w+)\(|operator ['\"]?(\w+)|'(?:aten|prim)::(\w+)'", text)
    operator = next((item for item in found.groups() if item), "") if found else ""
    why = "" if re.match(r"Exporting the operator", text) else first_line(error)
    return refusal("The ONNX export", operator, place_of(graph, operator), why)
