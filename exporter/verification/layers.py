"""Where an artifact leaves its source, layer by layer, and the rule that keeps that layer in float."""

import json
import re

from exporter.data.facts.advice import Advice
from exporter.data.facts.layers import MODEL, LayerComparison, LayerFindings, Layers
from exporter.data.settings.target import Tolerances

LEAST_SNR_DB = 20.0
"""Below it a layer counts as one where the artifact leaves the source, unless the target says how far it may be."""


def findings(layers: Layers, tolerances: Tolerances, advice: Advice) -> LayerFindings:
    """What was compared, by the tolerance of the target, with the rule for the first layer that has left the source.

    No verdict is made: a layer may be far from the source, and what comes out of the model near it.
    """
    least = LEAST_SNR_DB if tolerances.snr_db is None else tolerances.snr_db
    found = LayerFindings(layers, least, "")
    return found if found.first is None else LayerFindings(layers, least, rule_for(found.first, advice))


def rule_for(layer: LayerComparison, advice: Advice) -> str:
    """A rule of the target, as TOML, that keeps in float the operation that stands for `layer`.

    It selects by the layer's name where the format knows it, else every operation of that type; empty where the target
    takes no such rule, or the layer is the model itself.
    """
    if not advice.keep_layer or layer.module == MODEL:
        return ""
    name, value = ("op_name", f"^{re.escape(layer.rule_name)}$") if layer.rule_name else ("op_type", layer.operation)
    return f"{{ {name} = {_toml(value)}, {advice.keep_layer} }}"


def _toml(text: str) -> str:
    """A string as TOML; a literal one, without escapes, where it can be."""
    return f"'{text}'" if "'" not in text and text.isprintable() else json.dumps(text, ensure_ascii=False)
