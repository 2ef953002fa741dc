"""What every kind of data is opened with, and what it owes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import InputSpec
from exporter.data.settings.model import ModelSettings
from exporter.data.settings.task import Resize
from exporter.datasets.dataset import Dataset
from exporter.datasets.truths import TruthKind


@dataclass(frozen=True)
class Wanted:
    """What a data set is opened for.

    Attributes:
        inputs: what the model takes.
        resize: how images of another size are fitted.
        class_names: the model's classes; empty where they are not known.
        truths: what the model's task can be measured by, for files that hold several kinds; empty without a task.
        settings: of the model: tokenizer, sample rate, front end, unit of depth.
    """

    inputs: tuple[InputSpec, ...]
    resize: Resize = "crop"
    class_names: tuple[str, ...] = ()
    truths: tuple[TruthKind, ...] = ()
    settings: ModelSettings = field(default_factory=ModelSettings)

    def chosen(self, *held: TruthKind) -> TruthKind:
        """Of the kinds of truth that files hold the first that is wanted, else the first."""
        return next((kind for kind in held if kind in self.truths), held[0])


Opener = Callable[[str, Wanted], Dataset]
"""Opens what the user gave, one in the module of a kind, called ``open_data``.

Opening reads what is said of examples (annotations, tables, headers) and digests files; it decodes no example: that is
for `Dataset.read` and `Dataset.truths`. The digest is of everything that decides an example or its truth. The same
example is the same bytes whenever it is asked for. Labels are given where the truth is a class; else ``truth_kind``
and ``truths``. Images give ``fit``. What is wrong with files is a `UsageProblem` with the file, and the line or the
path inside of it.
"""


def image_input(name: str, wanted: Wanted) -> InputSpec:
    """The one input of a model that takes images.

    Raises:
        UsageProblem: the model takes something else.
    """
    if len(wanted.inputs) != 1 or wanted.inputs[0].image is None:
        raise UsageProblem(
            f"data {name} holds images; the model's inputs are {shapes_of(wanted)}. Give an .npz or a factory."
        )
    return wanted.inputs[0]


def common_batch(name: str, wanted: Wanted) -> int:
    """Examples that one run takes.

    Raises:
        UsageProblem: inputs take different numbers of them.
    """
    sizes = {spec.shape[0] if spec.shape else 0 for spec in wanted.inputs}
    if len(sizes) != 1 or 0 in sizes:
        raise UsageProblem(f"data {name}: the inputs {shapes_of(wanted)} have no common batch; give an .npz.")
    return sizes.pop()


def shapes_of(wanted: Wanted) -> str:
    """The inputs in words."""
    return ", ".join(f"{spec.name} {list(spec.shape)}" for spec in wanted.inputs)
