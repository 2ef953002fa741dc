"""Every format of the table keeps the contract."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from exporter.formats.format import Format
from exporter.formats.registry import all_formats, format_named, names
from tests.contracts import format as contract
from tests.exporter.formats.checked import load_checked

CHECKED = (
    "pixel_unshuffle",
    "inverse",
    "sort",
    "flip",
    "cumsum",
    "softmax",
    "unique",
    "bessel",
    "gru",
    "dilated",
    "median",
    "five_dimensions",
)


@pytest.fixture(params=names())
def form(request: pytest.FixtureRequest) -> Format:
    return format_named(request.param)


@pytest.fixture
def case(form: Format) -> contract.Case:
    found: contract.Case = import_module(f"tests.exporter.formats.{form.name}.case").CASE
    return found


@pytest.fixture(scope="module")
def source(load: Callable[..., Any]) -> Any:
    return load()


def test_names_are_its_own(form: Format) -> None:
    contract.names_are_its_own(form, list(all_formats()))


def test_asking_it_is_light(form: Format) -> None:
    contract.is_light(form)


def test_every_setting_decides(form: Format, case: contract.Case) -> None:
    contract.every_setting_decides(form, case)


def test_computes_what_the_source_does(form: Format, case: contract.Case, source: Any, tmp_path: Path) -> None:
    contract.computes_what_the_source_does(form, case, source, tmp_path)


@pytest.mark.parametrize(
    "model",
    [
        "plain",
        "digamma",
        *(pytest.param(name, marks=pytest.mark.slow) for name in CHECKED),
    ],
)
def test_check_agrees_with_a_conversion(form: Format, case: contract.Case, model: str, tmp_path: Path) -> None:
    contract.check_agrees(form, case, load_checked(model), tmp_path)


def test_compresses(form: Format, case: contract.Case, source: Any, tmp_path: Path) -> None:
    contract.compresses(form, case, source, tmp_path)


def test_storages_reach_the_file(form: Format, case: contract.Case, tmp_path: Path) -> None:
    contract.storages_reach_the_file(form, case, tmp_path)


def test_refuses_a_damaged_file(form: Format, case: contract.Case, source: Any, tmp_path: Path) -> None:
    contract.refuses_a_damaged_file(form, case, source, tmp_path)


def test_finds_layers(form: Format, case: contract.Case, source: Any, tmp_path: Path) -> None:
    contract.finds_layers(form, case, source, tmp_path)
