r"""Which real models convert: this program against litert-torch, coremltools and onnx2tf, each alone.

A zoo is a Python file of factories, with their inputs in ``INPUTS``: name -> (name, dtype, shape) of each. Every model
and converter gets a process of its own, forked from one that has imported what all of them need. Results are kept in a
file: what is done is not done again, unless ``--again`` asks.

    python benchmarks/zoo.py zoo.py --results zoo.json --site SITE \
        --python litert-torch=A/bin/python coremltools=B/bin/python --preload timm transformers
    python benchmarks/zoo.py zoo.py --results zoo.json --only-table > docs/coverage.md

TFLite models are run in LiteRT, this program's Core ML files in its evaluator; outputs are compared, all of them, on
two random inputs. coremltools alone counts a file as right; it needs an environment without TensorFlow, beside which it
crashes.
"""

import argparse
import ast
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from zoo_process import Limits, Worker
from zoo_results import Result, Results
from zoo_table import page
from zoo_tools import TOOLS, Tool

WORKERS = Path(__file__).parent / "zoo_workers"
ROOT = Path(__file__).parents[1]
COMMAND = "python benchmarks/zoo.py ZOO --results zoo.json --site SITE --python litert-torch=A/bin/python ..."


def names_in(zoo: Path, environment: dict[str, str]) -> list[str]:
    """The models of a zoo, in its order."""
    code = f"import runpy; print(list(runpy.run_path({str(zoo)!r}, run_name='zoo')['INPUTS']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return list(ast.literal_eval(done.stdout.strip().splitlines()[-1]))


def worker_of(tool: Tool, options: argparse.Namespace) -> Worker:
    """The worker of a tool, in its environment."""
    python = dict(item.split("=", 1) for item in options.python).get(tool.name, sys.executable)
    command = [python, str(WORKERS / tool.worker), str(options.zoo), *options.preload]
    return Worker(command, environment(options, ours=tool.ours))


def convert(worker: Worker, tool: Tool, way: str, model: str, options: argparse.Namespace) -> Result:
    """One model in one way, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="zoo-") as name:
        folder, document = Path(name, "work"), Path(name, "result.json")
        folder.mkdir()
        request = {"model": model, "way": way, "folder": str(folder), "result": str(document), "log": f"{name}/log"}
        ended = worker.convert(request, Limits(options.seconds, int(options.memory_gb * 1e9)))
        said = json.loads(document.read_text()) if not ended.trouble else {}
    nothing: dict[str, Any] = {"converted": False, "snr_db": None, "route": "", "versions": {}, "reason": ended.trouble}
    return Result(
        model=model,
        tool=tool.name,
        way=way,
        seconds=round(ended.seconds, 1),
        peak_bytes=ended.peak_bytes,
        date=dt.date.today().isoformat(),
        **{**nothing, **said},
    )


def environment(options: argparse.Namespace, *, ours: bool) -> dict[str, str]:
    """Offline, on the processor, and without this program for peers."""
    path = [str(ROOT)] if ours else []
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([*path, *map(str, options.site)]),
        "HF_HUB_OFFLINE": "1",
        "YOLO_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def fill(results: Results, tool: Tool, models: list[str], options: argparse.Namespace) -> None:
    """Do what is not done yet; later ways only where earlier ones gave nothing right."""
    worker, again = worker_of(tool, options), tool.name in options.again
    for model in models:
        for way in tool.ways:
            result = results.get(model, tool.name, way)
            if result is None or again:
                result = convert(worker, tool, way, model, options)
                results.add(result)
                told = "right" if tool.right(result) else f"{result.snr_db} {result.reason[:100]}"
                line = f"{tool.name:13} {model:26} {way:8} {result.seconds:6.1f} s  {told}"
                print(line, file=sys.stderr, flush=True)
            if tool.right(result):
                break
    worker.close()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [tool.name for tool in TOOLS]
    parser.add_argument("zoo", type=lambda text: Path(text).resolve())
    parser.add_argument("--results", type=Path, required=True, help="JSON file, read and written")
    parser.add_argument("--models", nargs="+", help="these alone")
    parser.add_argument("--tools", nargs="+", choices=names, default=names, help="these alone, in this order")
    parser.add_argument("--again", nargs="+", choices=names, default=[], help="tools that are asked anew")
    parser.add_argument("--python", nargs="+", default=[], metavar="TOOL=PYTHON", help="interpreters of environments")
    parser.add_argument("--site", nargs="+", default=[], help="folders with the packages that the zoo needs")
    parser.add_argument("--preload", nargs="+", default=[], help="modules that the zoo's factories import")
    parser.add_argument("--seconds", type=float, default=480, help="a conversion may take")
    parser.add_argument("--memory-gb", type=float, default=10, help="a conversion may take")
    parser.add_argument("--only-table", action="store_true", help="convert nothing")
    return parser.parse_args()


def main() -> None:
    """Print a page of Markdown."""
    options, named = arguments(), {tool.name: tool for tool in TOOLS}
    results = Results(options.results)
    if options.only_table:
        models = options.models or list(dict.fromkeys(item.model for item in results))
    else:
        models = options.models or names_in(options.zoo, environment(options, ours=False))
        for name in options.tools:
            fill(results, named[name], models, options)
    print(page(results, models, COMMAND))


if __name__ == "__main__":
    main()
