"""`package.module:factory` and `path/to/file.py:factory`."""

from typing import Any

from exporter.data.errors import UsageProblem
from exporter.data.facts.source import SourceKind
from exporter.data.settings.model import ModelSettings
from exporter.execution.heavy import load_torch, seeded
from exporter.sources.factories import import_attribute
from exporter.sources.modules import Found, from_module
from exporter.sources.source import ModelSource, Source


class Factory:
    """Code that makes a module."""

    def load(self, spec: str, settings: ModelSettings) -> ModelSource:
        """Call the factory."""
        return from_module(SourceKind.FACTORY, spec, settings, Found(call_factory(spec), is_code=True))

    def files(self, spec: str) -> None:
        """Code."""


SOURCE: Source = Factory()


def call_factory(spec: str) -> Any:
    """The module that the factory gives, in eval mode."""
    factory = import_attribute(spec)
    torch = load_torch()
    if isinstance(factory, torch.nn.Module):
        return factory.eval()
    try:
        with seeded():
            module = factory()
    except Exception as error:
        raise UsageProblem(f"model {spec}: the factory failed: {type(error).__name__}: {error}") from error
    if not isinstance(module, torch.nn.Module):
        raise UsageProblem(f"model {spec}: the factory gave a {type(module).__name__}, not a torch.nn.Module.")
    return module.eval()
