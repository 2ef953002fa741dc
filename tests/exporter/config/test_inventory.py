"""Inventories of labs: labels by serial, and every mistake by its place."""

from pathlib import Path

import pytest

from exporter.config.inventory import InventoryDevice, load_inventory
from exporter.data.errors import UsageProblem

GOOD = """schema_version = 1
[devices.R5CT1]
labels = ["desk", "old-battery"]
[devices."10.0.0.9:5555"]
in_lab = false
"""


def test_a_device_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_text(GOOD)
    inventory = load_inventory(tmp_path / "inventory.toml")
    assert inventory.entry(("usb", "10.0.0.9:5555")) == InventoryDevice(in_lab=False)
    assert inventory.entry(("R5CT1",)) == InventoryDevice(labels=("desk", "old-battery"))
    assert inventory.entry(("other",)) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'schema_version = 1\n[devices.a]\nlabel = ["x"]\n',
            r"devices.a.label: unknown setting; did you mean",
        ),
        (
            'schema_version = 1\n[devices.a]\nlabels = ["x y"]\n',
            r"devices.a.labels.0: 'x y' is no label: letters",
        ),
        ('schema_version = 1\n[devices.a]\nin_lab = "perhaps"\n', r"devices.a.in_lab: "),
        ("schema_version = 1\ndevices = 3\n", r"devices: "),
        ("schema_version = 2\n", r"Upgrade mobile-export to read it\."),
        ("[devices.a]\n", r"schema"),
        ("[devices.a\n", r"TOML syntax: "),
    ],
)
def test_what_is_wrong_is_said_by_its_place(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_text(text)
    with pytest.raises(UsageProblem, match=reason):
        load_inventory(tmp_path / "inventory.toml")
