"""The first layer that leaves the source, and the rule for it, which the target itself must take."""

import math
import tomllib
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.data.facts.advice import Advice
from exporter.data.facts.layers import MODEL, LayerComparison, Layers, Statistics
from exporter.data.settings.target import Selector, Tolerances
from exporter.formats.common.rules import selects
from exporter.formats.format import Format
from exporter.formats.registry import advice_for, format_named, names
from exporter.verification.layers import LEAST_SNR_DB, findings, rule_for
from tests.contracts import format as contract

KEEP = Advice(keep_layer='keep = "float32"')
VALUES = Statistics((1, 2), 0, 1, 0.5, 0.1, 0)


def layer(module: str, snr_db: float, **facts: Any) -> LayerComparison:
    known: dict[str, Any] = {"kind": "Conv2d", "call": 1, "output": module, "operation": "CONV", "location": "here"}
    known |= {"matched_by": "name", "axes": "", "rule_name": module, "max_abs_error": 0.0, "cosine": 1.0}
    return LayerComparison(module=module, snr_db=snr_db, source=VALUES, artifact=VALUES, **{**known, **facts})


def test_the_first_and_the_worst_are_not_the_same() -> None:
    layers = (layer("a", 40), layer("b", 12), layer("c", 3), layer("d", math.inf))
    found = findings(Layers(layers, ()), Tolerances(), KEEP)
    assert (found.least_snr_db, found.first and found.first.module) == (LEAST_SNR_DB, "b")
    assert [one.module for one in found.worst(3)] == ["c", "b", "a"]
    assert found.rule == """{ op_name = '^b$', keep = "float32" }"""


def test_the_target_says_how_far_a_layer_may_be() -> None:
    layers = Layers((layer("a", 40), layer("b", 12)), ())
    assert findings(layers, Tolerances(snr_db=10), KEEP).first is None
    assert findings(layers, Tolerances(snr_db=10), KEEP).rule == ""
    strict = findings(layers, Tolerances(snr_db=60), KEEP).first
    assert strict is not None
    assert strict.module == "a"


def test_nan_is_below_every_limit() -> None:
    assert findings(Layers((layer("a", math.nan),), ()), Tolerances(snr_db=-100), KEEP).first is not None


def test_without_a_name_the_rule_is_for_the_type_of_operation() -> None:
    added = layer("a.add", 3, rule_name="", operation="ADD")
    assert rule_for(added, KEEP) == """{ op_type = 'ADD', keep = "float32" }"""
    assert rule_for(layer(MODEL, 3, rule_name=""), KEEP) == ""
    assert rule_for(layer("a", 3), Advice()) == ""


NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1)


@given(NAMES, NAMES)
def test_the_rule_is_toml_and_selects_its_layer_and_no_other(name: str, other: str) -> None:
    """A dot in a name is no wildcard, and a quote ends no string."""
    rule = tomllib.loads(f"rule = {rule_for(layer(name, 3), KEEP)}")["rule"]
    selector = Selector(op_name=rule["op_name"])
    assert selects(selector, "", name)
    assert other == name or not selects(selector, "", other)


@pytest.mark.parametrize("name", names())
def test_each_format_takes_the_rule_that_it_suggests(name: str) -> None:
    """A compressed target of every format: its own words, read back as its own settings."""
    form: Format = format_named(name)
    tried: contract.Case = import_module(f"tests.exporter.formats.{name}.case").CASE
    made_for = contract.target_of(form, tried, tried.compressed)
    rule = tomllib.loads(f"rule = {rule_for(layer('features.3', 3), advice_for(made_for))}")["rule"]
    contract.target_of(form, tried, {**tried.compressed, "rules": [rule]})
