"""The table of docs/compression.md: every method on CIFAR-10, measured on the converted files.

    python benchmarks/compression.py SHARED_FOLDER WORK_FOLDER [ROW ...]

Trains what the work folder does not hold yet (checkpoints survive a kill), converts each result to both formats, and
writes WORK_FOLDER/table.md, with ratios against the first row. Without ROWs, all of `compression_recipes.CIFAR_ROWS`.
`--kept` measures only rows that are trained already.
"""

import argparse
from pathlib import Path

import torch
from compression_measure import Measured, measure, table
from compression_recipes import CIFAR_ROWS
from compression_training import Cifar


def main() -> None:
    """Measure the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--kept", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cifar = Cifar(given.shared, given.work)
    names = [name for name in given.rows or CIFAR_ROWS if not given.kept or cifar.path(name).exists()]
    rows = []
    for name in names:
        rows.append(measured(cifar, name, given.work / "artifacts"))
        print(rows[-1], flush=True)
    text = table(rows)
    (given.work / "table.md").write_text(text, encoding="utf-8")
    print(text)


def measured(cifar: Cifar, name: str, folder: Path) -> Measured:
    """The files of one row, on all test images."""
    test = (cifar.test[0], cifar.test[1].tolist())
    return measure(name, cifar.compressed(name), CIFAR_ROWS[name].form, cifar.calibration, folder, test=test)


if __name__ == "__main__":
    main()
