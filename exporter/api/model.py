"""A model in a notebook: what is said of it once, and what can be done with it."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

from exporter.api import jobs
from exporter.api.given import PathText
from exporter.api.results import CheckResult, CompressResult, RunResult, SearchResult, VerifyResult
from exporter.data.errors import UsageProblem
from exporter.use_cases.options import CompressOptions, ConvertOptions, RunOptions, SearchOptions

OF_THE_FILE = ("weights", "inputs", "trust_pickle")
"""Settings that a compressed model's own file has."""


@dataclass(frozen=True)
class Model:
    """A PyTorch model, by what the commands call MODEL, with its settings.

        >>> model = Model("torchvision:mobilenet_v2", settings={"weights": "none"})
        >>> model.spec
        'torchvision:mobilenet_v2'

    Nothing is loaded before it is used. A module or a factory of the notebook itself is ``"__main__:NAME"``.

    Attributes:
        spec: ``torchvision:NAME``, ``file.py:factory``, a .pt2, .pt or .onnx file, ...
        settings: as in a ``[model]`` table: ``{"mean": 0.5, "inputs": [{"shape": [1, 3, 224, 224]}]}``.
        targets_file: targets and recipes of your own; None takes ``targets.toml`` of the current folder where there is
            one.
        compressed: what the recipe did that made it; None for a model as it is.
    """

    spec: str
    settings: Mapping[str, object] = field(default_factory=dict)
    targets_file: PathText | None = None
    compressed: CompressResult | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.spec, str):
            raise UsageProblem(
                f"Model is told by name, not by a {type(self.spec).__name__}: a module of this notebook in the "
                'variable net is Model("__main__:net").'
            )

    def check(self, *targets: str, strict: bool = False) -> CheckResult:
        """Whether each target takes each operator, before anything is converted; see `mobile_export.check`."""
        return jobs.check(self.spec, targets, settings=self.settings, targets_file=self.targets_file, strict=strict)

    def compress(self, recipe: PathText, output: PathText | None = None, **options: Unpack[CompressOptions]) -> "Model":
        """The model that a recipe makes of this one; see `mobile_export.compress`.

        Args:
            recipe: a name in the targets file, or a TOML file.
            output: the .pt2 file to write; None is ``build/RECIPE.pt2``.
            options: ``training``, ``calibration``, ``calibration_samples``, ``seed``.
        """
        file = Path("build", f"{Path(recipe).stem}.pt2") if output is None else Path(output)
        done = jobs.compress(self.spec, recipe, file, settings=self.settings, targets_file=self.targets_file, **options)
        kept = {name: value for name, value in self.settings.items() if name not in OF_THE_FILE}
        return Model(str(file), kept, self.targets_file, done)

    def convert(self, *targets: str, output: PathText = "build", **options: Unpack[ConvertOptions]) -> RunResult:
        """Artifacts and the size gate alone; nothing is run. See `mobile_export.convert`."""
        return jobs.convert(
            self.spec, targets, output=output, settings=self.settings, targets_file=self.targets_file, **options
        )

    def run(self, *targets: str, output: PathText = "build", **options: Unpack[RunOptions]) -> RunResult:
        """Artifacts compared with this model, gated and measured, with a report; see `mobile_export.run`."""
        return jobs.run(
            self.spec, targets, output=output, settings=self.settings, targets_file=self.targets_file, **options
        )

    def search(
        self, *targets: str, calibration: str, output: PathText = "study", **options: Unpack[SearchOptions]
    ) -> SearchResult:
        """How this model is best compressed for each target; see `mobile_export.search`."""
        return jobs.search(
            self.spec,
            targets,
            calibration,
            output=output,
            settings=self.settings,
            targets_file=self.targets_file,
            **options,
        )

    def verify(
        self,
        artifact: PathText,
        target: str,
        *,
        evaluation: str | None = None,
        evaluation_samples: int | None = None,
        layers: bool = False,
        strict: bool = False,
    ) -> VerifyResult:
        """An artifact that anyone made of this model, compared with it; see `mobile_export.verify`."""
        return jobs.verify(
            artifact,
            self.spec,
            target,
            settings=self.settings,
            targets_file=self.targets_file,
            evaluation=evaluation,
            evaluation_samples=evaluation_samples,
            layers=layers,
            strict=strict,
        )

    def _repr_html_(self) -> str:
        said = {"model": self.spec, **self.settings}
        table = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in said.items())
        steps = "" if self.compressed is None else self.compressed._repr_html_()
        return f"<table>{table}</table>{steps}"


def _text(value: object) -> str:
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode())
