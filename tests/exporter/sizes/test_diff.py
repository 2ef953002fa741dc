"""Why it grew: changes add up, the largest comes first, and what cannot be compared says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.errors import MissingExtraError, UsageProblem
from exporter.data.facts.diff import Change
from exporter.data.facts.inspection import Inspection, WeightFact
from exporter.sizes.diff import compare_sizes, largest_first
from tests.exporter.sizes.builders import app_files, tflite, write_folder, write_zip
from tests.exporter.sizes.records import run_json

sizes = st.integers(0, 10**9)
changes = st.lists(st.builds(Change, name=st.text(max_size=3), before=sizes, after=sizes))


@given(changes)
def test_the_largest_change_comes_first_in_any_order(found: list[Change]) -> None:
    """The first line of the table is the answer."""
    ordered = largest_first(found)
    assert [abs(one.bytes) for one in ordered] == sorted((abs(one.bytes) for one in found), reverse=True)
    assert largest_first(found[::-1]) == ordered


def test_packages_are_compared_by_file(tmp_path: Path) -> None:
    """Which file of the app grew, which came, which went."""
    before = write_folder(tmp_path / "A.app", app_files("A", {"m.bin": b"x" * 5000, "old": b"o" * 100}))
    files = app_files("A", {"m.bin": b"x" * 9000, "new": b"n" * 200})
    after = write_zip(tmp_path / "A.ipa", {f"Payload/A.app/{name}": content for name, content in files.items()})
    diff = compare_sizes(before, after)[0]
    assert diff.size.bytes == 4000 + 200 - 100
    assert [(one.name, one.bytes) for one in diff.groups["file"][:3]] == [("m.bin", 4000), ("new", 200), ("old", -100)]
    assert sum(one.bytes for one in diff.groups["file"]) == diff.size.bytes
    assert "layer" not in diff.groups


def test_runs_are_compared_target_by_target(tmp_path: Path) -> None:
    """A target that is new counts whole."""
    runs = []
    for number, targets in enumerate((["pixel"], ["pixel", "galaxy"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in targets:
            (folder / f"{name}.bin").write_bytes(bytes(range(256)) * (number + 2))
        runs.append(run_json(folder, {name: (f"{name}.bin", {}) for name in targets}))
    before, after = runs
    diffs = {diff.after.rpartition(":")[2]: diff for diff in compare_sizes(before, after)}
    assert diffs["pixel"].size.bytes == 256
    assert diffs["galaxy"].size.before == 0
    assert diffs["galaxy"].size.after == 768
    assert diffs["galaxy"].groups["file"][0].bytes == 768


def weight(layer: str, dtype: str, size: int) -> WeightFact:
    return WeightFact(
        name=f"{layer}/w",
        layer=layer,
        kind="weight",
        op_type="conv",
        dtype=dtype,
        shape=(size,),
        parameters=size,
        size_bytes=size,
        nonzeros=size,
        distinct=2,
        quantization="none" if dtype == "float32" else "linear per_channel",
        bits_per_weight=8,
    )


def inspection(size: int, *weights: WeightFact) -> Inspection:
    return Inspection(path="m", format="tflite", size_bytes=size, inputs=(), outputs=(), ops=(), weights=weights)


def two_files(folder: Path) -> tuple[Path, Path]:
    paths = folder / "before.tflite", folder / "after.tflite"
    for path, size in zip(paths, (1000, 1500), strict=True):
        path.write_bytes(tflite(size))
    return paths


def test_models_are_compared_by_layer_and_dtype(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer went back to float: the table says which, and what is no weight is not lost."""
    found = {
        "before.tflite": inspection(1000, weight("stem", "int8", 300), weight("head", "int8", 200)),
        "after.tflite": inspection(1500, weight("stem", "int8", 300), weight("head", "float32", 800)),
    }
    monkeypatch.setattr("exporter.sizes.diff.inspect", lambda path: found[path.name])
    diff = compare_sizes(*two_files(tmp_path))[0]
    assert [(one.name, one.bytes) for one in diff.groups["layer"]] == [
        ("head", 600),
        ("everything but weights", -100),
        ("stem", 0),
    ]
    assert [(one.name, one.before, one.after) for one in diff.groups["dtype"]][:2] == [
        ("float32", 0, 800),
        ("int8 (linear per_channel)", 500, 300),
    ]
    for changes in diff.groups.values():
        assert sum(one.bytes for one in changes) == diff.size.bytes == 500


def test_layers_that_need_the_export_extra_are_unavailable_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The light install compares files, and names the command that brings the rest."""

    def inspect(path: Path) -> Inspection:
        raise MissingExtraError("coremltools", "export")

    monkeypatch.setattr("exporter.sizes.diff.inspect", inspect)
    diff = compare_sizes(*two_files(tmp_path))[0]
    assert list(diff.groups) == ["file"]
    assert "pip install 'mobile-export[export]'" in diff.notes[0]


def test_a_shared_model_is_compared_by_layer_and_dtype(shared: Path) -> None:
    """Two real models: every byte of the difference is in the table of layers, and in the one of dtypes."""
    before, after = shared / "models" / "vww_96_int8.tflite", shared / "models" / "resnet8_cifar10_float.tflite"
    diff = compare_sizes(before, after)[0]
    for group in ("layer", "dtype"):
        assert sum(one.bytes for one in diff.groups[group]) == diff.size.bytes
    dtypes = {one.name: one for one in diff.groups["dtype"]}
    assert dtypes["float32"].before == 0
    assert dtypes["float32"].after > 300_000
    assert diff.download is not None


def test_a_comparison_with_nothing_there_is_an_error(tmp_path: Path) -> None:
    """A path that is wrong must not be a growth of everything."""
    with pytest.raises(UsageProblem, match="is not there"):
        compare_sizes(tmp_path / "a.tflite", tmp_path / "b.tflite")
