"""Arrays in an .npz: named as the inputs (or ``x`` for a single one), and ``y`` for what is true."""

from pathlib import Path

import numpy as np

from exporter.data.errors import UsageProblem
from exporter.datasets.annotations.given import ArrayTruths, array_truths
from exporter.datasets.dataset import Dataset, hash_text
from exporter.datasets.examples.rows import casts, column_of, rows_of
from exporter.datasets.files.numpy_files import read_arrays
from exporter.datasets.kind import Wanted
from exporter.store.given import given_digest


def open_data(given: str, wanted: Wanted) -> Dataset:
    """The arrays of a file; uint8 images are normalized."""
    path, inputs = Path(given), wanted.inputs
    arrays = read_arrays(path)
    if len(inputs) == 1 and inputs[0].name not in arrays and "x" in arrays:
        arrays[inputs[0].name] = arrays.pop("x")
    missing = [spec.name for spec in inputs if spec.name not in arrays]
    if missing:
        raise UsageProblem(
            f"data {path} has arrays {', '.join(sorted(arrays))}, but none for input {', '.join(missing)}."
        )
    columns = [column_of(path, spec, arrays[spec.name]) for spec in inputs]
    given_truths = [np.atleast_1d(arrays["y"])] if "y" in arrays else []
    sizes = {len(array) for array in (*columns, *given_truths)}
    if len(sizes) != 1 or 0 in sizes:
        raise UsageProblem(f"data {path}: arrays must have the same length, at least 1; they have {sorted(sizes)}.")
    truths = array_truths(given, given_truths[0], wanted) if given_truths else ArrayTruths()
    digest = hash_text("\0".join([given_digest(path), *(spec.model_dump_json() for spec in inputs)]))
    notes = casts(given, inputs, [arrays[spec.name] for spec in inputs])
    return rows_of(given, digest, columns, inputs, truths, notes)
