"""MobileNetV2, SqueezeNet1.1 and ResNet50 x every method and the search's answer x Core ML and TFLite, in one table.

    python benchmarks/networks.py SHARED_FOLDER WORK_FOLDER [--network NETWORK] [--row ROW] [--search MINUTES]

The first two have ImageNet weights: every second of the 500 shared images calibrates and trains, without labels; top-1
is of the other 250. ResNet50 has random weights, so that its accuracy means nothing and is not shown. Each row is one
`mobile-export run` in a process of its own, with a target of each format; the last row is what `mobile-export search`
answers for both. Writes WORK_FOLDER/NETWORK.md. Rows that are there already are not made again. Latencies are of the
TFLite files on this machine with one thread, all of a table in turn.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from compression_measure import deflated, p50_ms
from network_rows import ROWS, Row, Table

FORMATS = {"coreml": "iOS 18", "tflite": "Android 14"}
SEARCH = "the search's answer"
DROP = 1.0


class Network(NamedTuple):
    """One of the three.

    Attributes:
        spec: of the model.
        weights: file in SHARED_FOLDER/models; None for random ones.
        options: of the command line: how the images are normalized.
    """

    spec: str
    weights: str | None
    options: tuple[str, ...]


NETWORKS = {
    "mobilenet_v2": Network("torchvision:mobilenet_v2", "mobilenet_v2_imagenet.pt", ("--mean", "0.5", "--std", "0.5")),
    "squeezenet1_1": Network(
        "torchvision:squeezenet1_1",
        "squeezenet1_1_imagenet.pt",
        ("--mean", "0.48502,0.45796,0.40760", "--std", "0.0039216"),
    ),
    "resnet50": Network("torchvision:resnet50", None, ()),
}


def main() -> None:
    """Make the rows, and a table a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--network", action="append", choices=list(NETWORKS))
    parser.add_argument("--row", action="append", choices=list(ROWS))
    parser.add_argument("--search", default="20", metavar="MINUTES")
    given = parser.parse_args()
    work = given.work.resolve()
    halves = unpacked(given.shared / "data" / "imagenet_sample_500.zip", work)
    for name in given.network or NETWORKS:
        folder = work / name
        folder.mkdir(parents=True, exist_ok=True)
        base = command(NETWORKS[name], given.shared.resolve(), halves)
        for row in given.row or ROWS:
            if NETWORKS[name].weights is not None or not ROWS[row].trains:
                made(folder, row, base)
        if NETWORKS[name].weights is not None and not given.row:
            searched(folder, base, given.search)
        text = table(folder)
        (work / f"{name}.md").write_text(text, encoding="utf-8")
        print(text)


def unpacked(archive: Path, work: Path) -> tuple[Path, Path]:
    """A folder of one half of the images, which the program is shown without labels; a CSV file of the other half."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(work / "images")
    (listing,) = (work / "images").rglob("labels.csv")
    rows = list(csv.DictReader(listing.open(encoding="utf-8")))
    shown, judging = work / "shown", work / "judging.csv"
    shown.mkdir(exist_ok=True)
    for row in rows[::2]:
        shutil.copy(listing.parent / row["path"], shown)
    lines = [f"{listing.parent / row['path']},{row['label']}" for row in rows[1::2]]
    judging.write_text("\n".join(["path,label", *lines, ""]), encoding="utf-8")
    return shown, judging


def command(network: Network, shared: Path, halves: tuple[Path, Path]) -> list[str]:
    """Arguments that `run` and `search` share."""
    shown, judging = map(str, halves)
    weights = "none" if network.weights is None else str(shared / "models" / network.weights)
    labelled = [] if network.weights is None else ["--evaluation", judging]
    calibration = ["--calibration", shown, "--calibration-samples", "128"]
    return [network.spec, "--weights", weights, *network.options, *calibration, *labelled]


def made(folder: Path, name: str, base: Sequence[str]) -> None:
    """One row: FOLDER/ROW holds the run, and what became of it."""
    own = folder / slug(name)
    if (own / "row.json").exists():
        return
    own.mkdir(exist_ok=True)
    settings = own / "targets.toml"
    settings.write_text(targets_text(ROWS[name]), encoding="utf-8")
    start = time.monotonic()
    named = [argument for kind in FORMATS for argument in ("--target", kind)]
    data = ["--data", base[base.index("--calibration") + 1]] if ROWS[name].trains else []
    output = ["--targets", str(settings), "--no-measure", "-o", str(own / "run")]
    code = called(own, ["run", *base, *named, *data, *output])
    if code not in (0, 1):
        print(f"{name}: exit code {code}, see {own}/log", flush=True)
    if (own / "run" / "run.json").exists():
        kept(own, name, own / "run", time.monotonic() - start)


def searched(folder: Path, base: Sequence[str], minutes: str) -> None:
    """The row of the best combination: what `search` names `compact` within a lost point, for both formats."""
    own = folder / slug(SEARCH)
    if (own / "row.json").exists():
        return
    own.mkdir(exist_ok=True)
    settings = own / "targets.toml"
    settings.write_text(targets_text(Row(coreml={}, tflite={})), encoding="utf-8")
    named = [argument for kind in FORMATS for argument in ("--target", kind)]
    limits = ["--max-drop", str(DROP), "--minimize", "size", "--time", f"{minutes}m"]
    start = time.monotonic()
    study = ["--targets", str(settings), "-o", str(own / "study")]
    called(own, ["search", *base, *named, *limits, *study, "-f", "json"])
    kept(own, f"{SEARCH}, within {DROP:g} points", own / "study", time.monotonic() - start)


def called(own: Path, arguments: Sequence[str]) -> int:
    """The exit code; what was said lies in OWN/log and OWN/out."""
    print(f"{own.parent.name}: {own.name}", flush=True)
    with (own / "out").open("w") as out, (own / "log").open("w") as log:
        program = Path(sys.executable).with_name("mobile-export")
        return subprocess.run([program, *arguments], stdout=out, stderr=log, check=False).returncode


def kept(own: Path, name: str, output: Path, seconds: float) -> None:
    """OWN/row.json: figures by format, and where the files lie."""
    found = dict(answers(own, output) if (own / "study").exists() else artifacts(output))
    (own / "row.json").write_text(json.dumps({"name": name, "seconds": seconds, "formats": found}), encoding="utf-8")


def artifacts(run: Path) -> Iterator[tuple[str, Any]]:
    """Figures of a run's artifacts, by format; the reason where there is none."""
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for target in document["targets"]:
        artifact = target["artifact"]
        if artifact is None:
            yield target["format"], {"error": target["error"]}
            continue
        path = run / artifact["path"]
        files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        parity = target["parities"][0] if target["parities"] else {}
        yield (
            target["format"],
            {
                "bytes": artifact["size_bytes"],
                "download": deflated(files),
                "top1": None if parity.get("top1") is None else 100 * parity["top1"],
                "path": str(path),
            },
        )


def answers(own: Path, study: Path) -> Iterator[tuple[str, Any]]:
    """Of a search: the smallest point inside every limit, by format."""
    document = json.loads((own / "out").read_text(encoding="utf-8"))
    for kind, points in document["targets"].items():
        key = document["answers"][kind]["points"].get("compact")
        folders = [one["folder"] for one in points if one["plan"]["key"] == key]
        if not folders:
            yield kind, {"error": "nothing is inside the limit"}
        for folder in folders:
            yield from artifacts(study / folder)


def targets_text(row: Row) -> str:
    """A targets file with one target a format, which refuse nothing for what it loses."""
    document: Table = {"targets": {}}
    for kind, minimum_os in FORMATS.items():
        given: Table = {"format": kind, "minimum_os": minimum_os, "quantization": getattr(row, kind)}
        document["targets"][kind] = given | ({"recipe": "row"} if row.steps else {})
    if row.steps:
        document["recipes"] = {"row": {"steps": list(row.steps)}}
    return tomlkit.dumps(document)


def slug(name: str) -> str:
    """A folder's name."""
    return "".join(one if one.isalnum() else "-" for one in name)


def table(folder: Path) -> str:
    """Markdown; ratios are against the first row."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/row.json")]
    order = [*ROWS]
    rows.sort(key=lambda row: order.index(row["name"]) if row["name"] in order else len(order))
    timed = [row["formats"].get("tflite", {}).get("path") for row in rows]
    times = iter(p50_ms([Path(path) for path in timed if path]))
    lines = [
        "| | TFLite bytes | download | top-1 | p50 ms | Core ML bytes | download | top-1 | made in |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row, path in zip(rows, timed, strict=True):
        latency = f"{next(times):.2f}" if path else ""
        cells = [*cells_of(row, rows[0], "tflite"), latency, *cells_of(row, rows[0], "coreml")]
        lines.append(f"| {row['name']} | {' | '.join(cells)} | {row['seconds']:.0f} s |")
    return "\n".join([*lines, *reasons(rows)]) + "\n"


def reasons(rows: Sequence[Any]) -> list[str]:
    """Why rows have no file, a line each."""
    told = {row["name"]: {one["error"] for one in row["formats"].values() if "error" in one} for row in rows}
    return [f"\n{name}: {'; '.join(sorted(given))}" for name, given in told.items() if given]


def cells_of(row: Any, first: Any, kind: str) -> list[str]:
    """Bytes, download and top-1 of a format; where there is no file, `reasons` say why."""
    given = row["formats"].get(kind, {"error": "not made"})
    if "error" in given:
        return ["no file", "", ""]
    ratio = first["formats"][kind]["bytes"] / given["bytes"]
    top1 = "not measured" if given["top1"] is None else f"{given['top1']:.1f}"
    return [f"{given['bytes']:,} ({ratio:.1f}x)", f"{given['download']:,}", top1]


if __name__ == "__main__":
    main()
