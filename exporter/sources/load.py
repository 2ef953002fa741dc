"""Loads MODEL arguments of every kind."""

from exporter.data.settings.model import ModelSettings
from exporter.sources.registry import source_for
from exporter.sources.source import ModelSource


def load_source(spec: str, settings: ModelSettings) -> ModelSource:
    """Load the model that `spec` names and find out its inputs and outputs by running it once.

    Raises:
        UsageProblem: no such model, weights that do not fit, NaN weights, wrong shapes, a pickle without trust.
    """
    return source_for(spec).load(spec, settings)
