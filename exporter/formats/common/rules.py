"""Which layers a rule is for."""

import re

from exporter.data.settings.target import Selector


def selects(rule: Selector, op_type: str, name: str) -> bool:
    """Whether `rule` is for an operator of this type, or of a layer with this name."""
    if rule.op_type is not None:
        return rule.op_type == op_type
    return rule.op_name is not None and re.search(rule.op_name, name) is not None
