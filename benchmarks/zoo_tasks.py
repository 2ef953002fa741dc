r"""How well artifacts of real models do their tasks, without labels: `mobile-export run` for each model of a zoo.

A zoo is a Python file of factories, with their inputs in ``INPUTS``: name -> (name, dtype, shape) of each, and options
of the command line in ``OPTIONS``. `zoo_tasks.toml` says what each model does. Every model gets a process of its own,
forked from one that has imported what all of them need. Results are kept in a file: what has its verdict is not done
again, unless ``--again`` asks; conversions are kept in the program's own cache.

    python benchmarks/zoo_tasks.py ZOO --site SITE --images imagenet_sample_500.zip --folder zoo-tasks \
        --preload timm transformers ultralytics.nn.tasks segmentation_models_pytorch
    python benchmarks/zoo_tasks.py ZOO --folder zoo-tasks --only yolo11n gpt2 --formats tflite coreml --again
"""

import argparse
import multiprocessing
import os
import runpy
import signal
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_verdicts import Results, Row, found, table

ROOT = Path(__file__).parents[1]
TASKS = Path(__file__).with_name("zoo_tasks.toml")
FORKING = multiprocessing.get_context("forkserver")
IMPORTS = ("exporter.api", "torch", "torchvision", "onnx", "onnxscript", "onnxsim", "onnxruntime")
TARGETS = {"tflite": "android-float", "onnx": "android-onnx-float", "coreml": "ipad-pro-m4"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "YOLO_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A model of the zoo and what it does.

    Attributes:
        entry: its table in the file of tasks.
        inputs: (name, dtype, shape) of each.
        options: of the command line.
    """

    name: str
    entry: Table
    inputs: Sequence[tuple[str, str, Sequence[int]]]
    options: Sequence[str]

    def settings(self, formats: Sequence[str]) -> str:
        """A targets file with the model, its task, and a target for each format."""
        inputs = [{"name": name, "dtype": dtype, "shape": list(shape)} for name, dtype, shape in self.inputs]
        lines = ["[model]", f"inputs = {toml(inputs)}", f"task = {toml(self.entry['task'])}"]
        if "outputs" in self.entry:
            lines.append(f"outputs = {toml(self.entry['outputs'])}")
        for form in formats:
            lines += [f"[targets.{form}]", f'extends = "{TARGETS[form]}"']
            lines.append(f"tolerances = {toml(self.entry['tolerances'])}")
        return "\n".join([*lines, ""])


def toml(value: Any) -> str:
    """A value as TOML writes it in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def models(zoo: Path) -> Iterator[Model]:
    """Those of the zoo that have a task, in the zoo's order."""
    tables = tomllib.loads(TASKS.read_text())["entries"]
    entries = {name: table for table in tables for name in table["models"]}
    known = runpy.run_path(str(zoo), run_name="zoo")
    for name, inputs in known["INPUTS"].items():
        if name not in entries:
            print(f"{name}: {TASKS.name} does not say what it does", file=sys.stderr)
            continue
        yield Model(name, entries[name], inputs, known.get("OPTIONS", {}).get(name, ()))


def run(model: Model, options: argparse.Namespace) -> list[Row]:
    """The verdicts of each format."""
    folder = (options.folder / model.name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "targets.toml").write_text(model.settings(options.formats))
    arguments = ["run", f"{options.zoo}:{model.name}", "--targets", "targets.toml", "--no-measure", "-o", "out"]
    arguments += [word for form in options.formats for word in ("--target", form)] + list(model.options)
    if model.entry["examples"] == "images" and options.images:
        arguments += ["--evaluation", str(pictures(options))]
    if "priors" in model.entry["task"]:
        write_priors(folder / model.entry["task"]["priors"])
    (folder / "out" / "run.json").unlink(missing_ok=True)
    started = time.monotonic()
    trouble = forked(arguments, folder, options.seconds)
    took = time.monotonic() - started
    return found(model.name, model.entry["task"]["kind"], options.formats, folder / "out" / "run.json", trouble, took)


def forked(arguments: Sequence[str], folder: Path, seconds: float) -> str:
    """Why the command had no result; empty where it ended by itself."""
    process = FORKING.Process(target=command, args=(list(arguments), str(folder)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        stop(process)
        return f"took longer than {seconds:.0f} s"
    return "" if process.exitcode >= 0 else f"was killed by {signal.Signals(-process.exitcode).name}"


def stop(process: Any) -> None:
    """End it and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has no group of its own yet
        process.kill()
    process.join()


def command(arguments: list[str], folder: str) -> None:
    """`mobile-export`, with what it says in a file beside its output."""
    os.setsid()
    os.chdir(folder)
    with open("log", "wb") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    sys.argv = ["mobile-export", *arguments]
    from exporter.cli.main import main

    main()


def pictures(options: argparse.Namespace) -> Path:
    """A folder of photographs without labels, evenly spread over a zip of them."""
    folder: Path = (options.folder / "images").resolve()
    if not folder.exists():
        with zipfile.ZipFile(options.images) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith((".jpg", ".jpeg", ".png"))]
            chosen = [names[place * len(names) // options.examples] for place in range(options.examples)]
            partial = folder.with_suffix(".partial")
            partial.mkdir(parents=True, exist_ok=True)
            for name in chosen:
                (partial / Path(name).name).write_bytes(archive.read(name))
        partial.rename(folder)
    return folder


def write_priors(path: Path) -> None:
    """Those of torchvision's SSDlite on 320 by 320 pixels: centre boxes in [0, 1]."""
    import numpy as np
    import torch
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
    from torchvision.models.detection.image_list import ImageList
    from torchvision.ops import box_convert

    side = 320
    maps = [torch.zeros(1, 1, size, size) for size in (20, 10, 5, 3, 2, 1)]
    made = DefaultBoxGenerator([[2, 3]] * len(maps), min_ratio=0.2, max_ratio=0.95)
    corners = made(ImageList(torch.zeros(1, 3, side, side), [(side, side)]), maps)[0]
    np.save(path, (box_convert(corners, "xyxy", "cxcywh") / side).numpy())


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo", type=lambda text: Path(text).resolve())
    parser.add_argument("--folder", type=Path, default=Path("zoo-tasks"), help="for results, artifacts and reports")
    parser.add_argument("--formats", nargs="+", choices=list(TARGETS), default=["tflite"])
    parser.add_argument("--only", nargs="+", help="these models alone, in this order")
    parser.add_argument("--again", action="store_true", help="also those that are done")
    parser.add_argument("--images", type=Path, help="zip of photographs for models of images; noise without")
    parser.add_argument("--examples", type=int, default=16, help="photographs")
    parser.add_argument("--site", nargs="+", default=[], help="folders with the packages that the zoo needs")
    parser.add_argument("--preload", nargs="+", default=[], help="modules that the zoo's factories import")
    parser.add_argument("--seconds", type=float, default=600, help="a model may take")
    return parser.parse_args()


def main() -> int:
    """Print a page of Markdown; 1 where a model has no verdict."""
    options = arguments()
    os.environ.update(OFFLINE)
    sys.path += [str(ROOT), *options.site]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *options.site])
    FORKING.set_forkserver_preload([*IMPORTS, *options.preload])
    results = Results(options.folder / "results.json")
    known = {model.name: model for model in models(options.zoo)}
    unknown = set(options.only or ()) - set(known)
    if unknown:
        sys.exit(f"{TASKS.name} and the zoo do not both have {', '.join(sorted(unknown))}")
    chosen = [known[name] for name in options.only or known]
    for model in chosen:
        if options.again or not results.has(model.name, options.formats):
            results.replace(run(model, options))
            for row in results.of(model.name):
                print(row.line, file=sys.stderr, flush=True)
    rows = [row for row in results if row.model in {model.name for model in chosen}]
    print(table(rows))
    return int(any(row.status not in ("passed", "failed") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
