"""Any result as text: which module shows which kind."""

import importlib

from exporter.report.renderer import Result, View

# Late, so that showing a list of targets loads no tables and no statistics.
MODULES = {
    "run": "run",
    "budget": "budget",
    "compare": "compare",
    "profile": "profile",
    "verify": "verify",
    "search": "search",
    "check": "check",
    "compress": "compress",
    "inspect": "inspect",
    "targets": "targets",
    "target": "targets",
    "targets-check": "targets",
    "devices": "devices",
    "doctor": "doctor",
    "handoff": "handoff",
    "leases": "leases",
    "lab-status": "lab",
    "lab-drift": "drift",
    "history": "history",
    "gate": "history",
    "kept": "kept",
}


def render(result: Result, view: View) -> str:
    """Tables and sentences; coloured where `view` says that colours can be seen."""
    module = importlib.import_module(f"exporter.report.text.{MODULES[result.kind]}")
    text: str = module.render(result, view)
    return text
