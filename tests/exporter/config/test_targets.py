"""Targets files: every error at once, each with its path; what a system cannot hold is refused."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config.files import extended, presets_file, read_toml, summaries, target_tables
from exporter.config.targets import check_table, load_targets
from exporter.data.errors import UsageProblem
from exporter.formats.coreml.settings import ios_generation
from exporter.formats.registry import names

RunCommand = Callable[..., subprocess.CompletedProcess[str]]

BASE = {"format": "coreml", "minimum_os": "iOS 18"}


def errors(table: dict[str, object]) -> list[str]:
    found = check_table("t", {"t": table})
    assert isinstance(found, list), found
    return found


def test_every_preset_is_well_formed_and_they_cover_both_platforms() -> None:
    targets = load_targets(user_file=presets_file())
    assert len(targets) >= 8
    assert {target.format for target in targets} == set(names())
    assert all(target.budgets.size and target.tolerances.snr_db and target.description for target in targets)


@pytest.mark.parametrize(
    ("table", "path", "hint"),
    [
        ({**BASE, "quantisation": {}}, "targets.t.quantisation", "quantization"),
        ({**BASE, "quantization": {"weights": {"method": "linear", "nbit": 8}}}, "quantization.weights.nbit", "nbits"),
        ({**BASE, "quantization": {"weights": {"method": "linaer"}}}, "quantization.weights", "linear"),
        ({**BASE, "budgets": {"sise": "4 MB"}}, "budgets.sise", "size"),
        ({"format": "coremll", "minimum_os": "iOS 18"}, "targets.t", "coreml"),
    ],
)
def test_an_unknown_name_gets_its_path_and_the_nearest_known_one(
    table: dict[str, object], path: str, hint: str
) -> None:
    (sentence,) = errors(table)
    assert path in sentence
    assert f"did you mean '{hint}'" in sentence


def test_all_errors_come_at_once() -> None:
    found = errors({**BASE, "compute_units": "gpu", "budgets": {"size": "4 mb"}, "tolerances": {"cosine": 2}})
    assert len(found) == 3
    assert {sentence.partition(":")[0] for sentence in found} == {
        "targets.t.compute_units",
        "targets.t.budgets.size",
        "targets.t.tolerances.cosine",
    }


@pytest.mark.parametrize(
    ("quantization", "minimum_os", "needs"),
    [
        ({"weights": {"method": "palettization", "granularity": "per_grouped_channel"}}, "iOS 17", 18),
        ({"weights": {"method": "palettization", "nbits": 3}}, "iOS 17", 18),
        ({"weights": {"method": "palettization", "per_channel_scale": True}}, "iPadOS 17", 18),
        ({"weights": {"method": "linear", "nbits": 4}}, "macOS 14", 18),
        ({"weights": {"method": "linear", "granularity": "per_block"}}, "watchOS 10", 18),
        ({"activations": {}}, "iOS 16", 17),
        ({"weights": {"method": "linear"}}, "iOS 15", 16),
        ({"sparsity": {"target_sparsity": 0.5}, "weights": {"method": "linear"}}, "iOS 17", 18),
        ({}, "iOS 14", 15),
        ({"rules": [{"op_type": "conv", "weights": {"method": "linear", "nbits": 4}}]}, "iOS 17", 18),
    ],
)
def test_a_system_that_cannot_hold_a_setting_is_refused(
    quantization: dict[str, object], minimum_os: str, needs: int
) -> None:
    (sentence,) = errors({"format": "coreml", "minimum_os": minimum_os, "quantization": quantization})
    assert f"needs iOS {needs}, minimum_os is {minimum_os}" in sentence


@pytest.mark.parametrize(
    "table",
    [
        {"format": "tflite", "minimum_os": "Android 12", "quantization": {"mode": "float16", "input_type": "int8"}},
        {"format": "tflite", "minimum_os": "Android 12", "compute_units": "gpu", "quantization": {"mode": "int16x8"}},
        {"format": "tflite", "minimum_os": "Android 12", "quantization": {"rules": [{"op_type": "ADD", "nbits": 3}]}},
        {"format": "tflite", "minimum_os": "Android"},
        {"format": "coreml", "minimum_os": "Android 14"},
        {**BASE, "quantization": {"rules": [{"op_type": "conv", "op_name": "x", "weights": "none"}]}},
        {**BASE, "quantization": {"rules": [{"op_name": "(", "weights": "none"}]}},
        {**BASE, "quantization": {"rules": [{"op_type": "conv"}]}},
        {**BASE, "quantization": {"sparsity": {"target_sparsity": 0.5, "n_m_ratio": [2, 4]}}},
        {**BASE, "quantization": {"sparsity": {"n_m_ratio": [4, 2]}}},
    ],
)
def test_contradictions_are_refused(table: dict[str, object]) -> None:
    assert len(errors(table)) == 1


@pytest.mark.parametrize(
    ("minimum_os", "generation"),
    [
        ("iOS 18", 18),
        ("iPadOS 16", 16),
        ("watchOS 11", 18),
        ("macOS 15", 18),
        ("visionOS 2", 18),
        ("macOS 26", 26),
        ("watchOS 26", 26),
        ("Android 14", None),
    ],
)
def test_systems_of_one_year_hold_the_same(minimum_os: str, generation: int | None) -> None:
    assert ios_generation(minimum_os) == generation


def test_extends_merges_tables_and_a_circle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    file.write_text('[targets.mine]\nextends = "iphone-15"\nbudgets.size = "1 MiB"\n')
    (mine,) = load_targets(["mine"], user_file=file)
    (preset,) = load_targets(["iphone-15"], user_file=file)
    assert mine.budgets.size == 2**20
    assert mine.quantization == preset.quantization
    with pytest.raises(UsageProblem, match="a -> b -> a goes round"):
        extended({"a": {"extends": "b"}, "b": {"extends": "a"}}, "a")


def checked(toml: str, name: str, folder: Path) -> list[str]:
    """What `targets check` says of one table."""
    (folder / "own.toml").write_text(toml)
    found = check_table(name, target_tables(folder / "own.toml"))
    assert isinstance(found, list)
    return found


def test_all_errors_are_shown_when_extends_is_wrong_too(tmp_path: Path) -> None:
    """Protects against one error a try: five are wrong here."""
    toml = """
[targets.a]
extends = "pixel-9"
bugets = { size = "4 MB" }
tolerances = { snr = 3, top1_drop_points = "1 %" }
quantization = { mode = "int4" }
"""
    found = checked(toml, "a", tmp_path)
    assert found[0] == "targets.a.extends: there is no target 'pixel-9'; did you mean 'pixel-8'?"
    assert {line.partition(":")[0] for line in found[1:]} == {
        "targets.a.bugets",
        "targets.a.tolerances.snr",
        "targets.a.tolerances.top1_drop_points",
        "targets.a.quantization.mode",
    }


@pytest.mark.parametrize(
    ("extends", "says"),
    [
        ('"b"', "a -> b -> a goes round in a circle"),
        ('"a"', "a -> a goes round in a circle"),
        ('"nothing-like-it"', "there is no target 'nothing-like-it'"),
        ("3", "write the name of a target, in quotes"),
        ('["b"]', "write the name of a target, in quotes"),
    ],
)
def test_a_wrong_extends_hides_no_error_and_invents_none(extends: str, says: str, tmp_path: Path) -> None:
    toml = f'[targets.a]\nextends = {extends}\nbugets = 1\n[targets.b]\nextends = "a"\n'
    found = checked(toml, "a", tmp_path)
    assert len(found) == 2, found
    assert says in found[0]
    assert "targets.a.bugets: unknown setting" in found[1]
    of_child = checked(toml, "b", tmp_path)
    assert any("`bugets`, from `a`" in line for line in of_child)


def test_a_contradiction_with_a_parent_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    found = checked('[targets.a]\nextends = "pixel-9"\nquantization.input_type = "int8"\n', "a", tmp_path)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (
            'extends = "iphone-15"\nquantization.weights = { method = "palettization" }',
            "quantization.weights.granularity: 'per_channel' is not one of 'per_tensor' or 'per_grouped_channel' "
            "(`granularity`, from `iphone-15`)",
        ),
        (
            'extends = "parent"\nquantization.mode = "dynamic_range"',
            "per_tensor granularity is for modes int8 and int16x8 (`granularity`, from `parent`)",
        ),
        (
            'extends = "parent"\ntolerances.cosine = 0.9\nquantization.granularity = "per_channel"\nx = 1',
            "targets.a.x: unknown setting",
        ),
        (
            'extends = "fine"\nminimum_os = "iOS 17"',
            "quantization.weights.nbits = 4 needs iOS 18, minimum_os is iOS 17",
        ),
    ],
)
def test_inherited_settings_are_named_as_inherited(table: str, says: str, tmp_path: Path) -> None:
    """Protects the reader of an error about a setting that stands nowhere in his table."""
    toml = f"""
[targets.a]
{table}
[targets.parent]
extends = "pixel-8"
quantization.granularity = "per_tensor"
[targets.fine]
format = "coreml"
minimum_os = "iOS 18"
quantization.weights = {{ method = "linear", nbits = 4 }}
"""
    found = checked(toml, "a", tmp_path)
    assert any(says in line for line in found), found
    assert ("from `fine`" in found[0]) == ("fine" in table)
    assert not any("`x`" in line for line in found)


def test_an_unknown_target_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageProblem, match="did you mean 'pixel-8'"):
        load_targets(["pixel8"])


def test_a_syntax_error_names_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[targets.x]\nformat = \n")
    with pytest.raises(UsageProblem, match=r"line 2, column 10"):
        read_toml(file)
    file.write_bytes(b"\xff")
    with pytest.raises(UsageProblem, match="UTF-8"):
        read_toml(file)
    file.write_text("[target.x]\n")
    with pytest.raises(UsageProblem, match="target: unknown table; did you mean 'targets'"):
        target_tables(file)
    file.write_text("targets = 3")
    with pytest.raises(UsageProblem, match="must be tables"):
        target_tables(file)


def test_list_as_json_has_what_scripts_need(mobile_export: RunCommand) -> None:
    document = json.loads(mobile_export("targets", "list", "-f", "json").stdout)
    assert document["schema_version"] == 1
    assert all(row["name"] and row["format"] and row["minimum_os"] for row in document["targets"])
    assert [row["name"] for row in document["targets"]] == [row.name for row in summaries(presets_file())]


def test_check_reports_all_and_exits_2(mobile_export: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text('[targets.a]\nformat = "tflite"\n[targets.b]\nformat = "coreml"\nx = 1\n')
    done = mobile_export("targets", "check")
    assert done.returncode == 2
    assert re.search(r"targets\.a\.minimum_os: .*\n.*targets\.b", done.stderr)
    assert mobile_export("targets", "check", "--targets", presets_file(), cwd="/").returncode == 0


def test_show_prints_defaults_too(mobile_export: RunCommand) -> None:
    shown = mobile_export("targets", "show", "pixel-8").stdout
    assert 'quantization.granularity = "per_channel"' in shown
    document = json.loads(mobile_export("targets", "show", "pixel-8", "-f", "json").stdout)
    assert document["target"]["layout"] == "NHWC"
