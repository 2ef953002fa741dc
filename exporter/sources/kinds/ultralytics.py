"""`ultralytics:FILE`, a checkpoint (.pt) or an architecture (.yaml) of ultralytics, which is under the AGPL-3.0.

The library is imported for nothing else, and comes with no other extra.
"""

import contextlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter.data.base import JsonMapping
from exporter.data.errors import UsageProblem, first_line
from exporter.data.facts.source import ImageSpec, SourceKind
from exporter.data.settings.model import InputSettings, ModelSettings
from exporter.data.spelling import nearest
from exporter.execution.heavy import load, quiet, seeded
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source
from exporter.sources.weights import load_state
from exporter.store.given import given_digest

PREFIX = "ultralytics:"
_ARCHITECTURES = (".yaml", ".yml")
_IOU = 0.7
_YOLO: JsonMapping = {"head": "yolo", "iou_threshold": _IOU, "most_detections": 300}
"""Non-maximum suppression as ultralytics validates (``iou``, ``max_det`` of its default.yaml)."""


class Ultralytics:
    """A model of ultralytics, with its head as for export and its batch norms folded."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Unpickle the checkpoint, or build the architecture."""
        return from_module(SourceKind.ULTRALYTICS, spec, settings, load_ultralytics_model(spec, settings))

    def files(self, spec: str) -> Sequence[Path]:
        """The file; an architecture of the library's own is decided by its version."""
        path = Path(spec.removeprefix(PREFIX))
        return [path] if path.is_file() else []


SOURCE: Source = Ultralytics()


def load_ultralytics_model(spec: str, settings: ModelSettings) -> Found:
    """Module in eval mode with what the checkpoint says: size, names, task, license.

    Raises:
        UsageProblem: no such file, a checkpoint without trust, or weights that do not fit.
    """
    path, choice = Path(spec.removeprefix(PREFIX)), settings.weights or "default"
    _refuse(spec, path, choice, trust_pickle=settings.trust_pickle)
    model = _opened(spec, path)
    module = model.model
    if choice not in ("default", "none"):
        load_state(module, Path(choice))
    return _found(model, _for_export(module), path)


def _refuse(spec: str, path: Path, choice: str, *, trust_pickle: bool) -> None:
    """Everything that can be refused without the library."""
    if path.suffix in _ARCHITECTURES:
        if choice == "default":
            raise UsageProblem(
                f"model {spec} is an architecture without weights: give a state dict with --weights FILE, or --weights "
                "none for random weights."
            )
        return
    if path.suffix != ".pt":
        raise UsageProblem(f"model {spec}: give a checkpoint (.pt) or an architecture (.yaml) of ultralytics.")
    if not path.is_file():
        raise UsageProblem(
            f"model {spec}: there is no such file. Checkpoints are not downloaded; give the file's path."
        )
    if choice != "default":
        raise UsageProblem(
            f"model {spec} has weights of its own: leave --weights out, or give its architecture (.yaml)."
        )
    if not trust_pickle:
        raise UsageProblem(
            f"model {spec} is a pickle, which can run any code when loaded. If you trust its author, add "
            "--trust-pickle."
        )


def _opened(spec: str, path: Path) -> Any:
    """The library's own object for the file; random weights are the same each time."""
    with _undisturbed(), quiet(), seeded():
        library = load("ultralytics", extra="ultralytics")
        try:
            return library.YOLO(str(path), verbose=False)
        except FileNotFoundError as error:
            near = nearest(path.name, _known(Path(library.__file__).parent))
            hint = f" Did you mean {PREFIX}{near}?" if near else ""
            raise UsageProblem(f"model {spec}: there is no such file, and ultralytics has none.{hint}") from error
        except Exception as error:
            raise UsageProblem(f"model {spec} cannot be loaded by ultralytics: {first_line(error)}") from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the library from looking for a network, installing packages and deciding how many threads others take."""
    os.environ.update({"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"})
    threads = os.environ.get("OMP_NUM_THREADS")
    try:
        yield
    finally:
        if threads is None:
            os.environ.pop("OMP_NUM_THREADS", None)


def _known(library: Path) -> list[str]:
    """Names of the library's own architectures; one of a size has its letter before the task: yolo11n-seg.yaml."""
    return [path.name for path in (library / "cfg" / "models").rglob("*.yaml")]


def _for_export(module: Any) -> Any:
    """The module with folded batch norms and one tensor for an output: candidates before non-maximum suppression."""
    head = module.model[-1]
    if getattr(head, "end2end", False):
        head.end2end = False
    for part in module.modules():
        if hasattr(part, "export"):
            part.export, part.format = True, "torchscript"
    with quiet():
        return module.float().fuse(verbose=False).eval()


def _found(model: Any, module: Any, path: Path) -> Found:
    args, crops = _arguments(model), model.task == "classify"
    side, channels = args.get("imgsz") or 640, module.yaml.get("channels", 3)
    height, width = (side, side) if isinstance(side, int) else (side[0], side[-1])
    return Found(
        module,
        inputs=(InputSettings(name="image", shape=(1, channels, height, width)),),
        image=ImageSpec(mean=(0.0,), std=(1.0,), color="RGB", crop=1.0, interpolation="bilinear"),
        labels=_names(model.names),
        task=_TASKS.get(model.task, lambda _: {})(module.model[-1]),
        resize="crop" if crops else "letterbox",
        license=_license(model.ckpt),
        identity=_identity(module, path),
        has_weights=True,
    )


def _names(names: Mapping[int, str]) -> tuple[str, ...]:
    """Class names; none where they are only numbered, as in an architecture."""
    told = tuple(str(names[index]) for index in sorted(names))
    return () if told == tuple(map(str, range(len(told)))) else told


def _arguments(model: Any) -> Mapping[str, Any]:
    """Of its training."""
    args = model.model.args
    return args if isinstance(args, Mapping) else vars(args)


def _identity(module: Any, path: Path) -> str:
    file = given_digest(path) if path.is_file() else path.name
    return f"ultralytics {importlib.metadata.version('ultralytics')} {file} {sorted(module.yaml.items())}"


def _license(checkpoint: Any) -> str:
    """As the checkpoint says, else as the library says of itself and of what is trained with it."""
    said = checkpoint.get("license") if isinstance(checkpoint, Mapping) else None
    about = importlib.metadata.metadata("ultralytics").json
    return str(said or about.get("license_expression") or about.get("license") or "")


def _detection(head: Any) -> JsonMapping:
    """Settings of the task; none for heads whose one output is not the candidates of YOLO (RT-DETR)."""
    if not hasattr(head, "reg_max"):
        return {}
    return {"kind": "detection", **_YOLO}


def _pose(head: Any) -> JsonMapping:
    """None for points without a score."""
    points, columns = head.kpt_shape
    return {"kind": "keypoints", "head": "yolo", "points": points, "iou_threshold": _IOU} if columns == 3 else {}


_TASKS: Mapping[str, Callable[[Any], JsonMapping]] = {
    "classify": lambda _: {"kind": "classification", "scores": "probabilities"},
    "detect": _detection,
    "segment": lambda _: {"kind": "instance_segmentation", **_YOLO},
    "pose": _pose,
}
