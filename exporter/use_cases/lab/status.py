"""The devices of a lab as they are now."""

from datetime import UTC, datetime

from exporter.data.results.lab import LabStatusResult
from exporter.execution.lab.client import Lab


def status_of(lab: Lab) -> LabStatusResult:
    """Those of every host, with what keeps some from being seen or used."""
    lab.tend()
    devices = [device for report in lab.reports for device in report.devices]
    problems = [f"{report.host}: {problem}" for report in lab.reports for problem in report.problems]
    problems += [f"{name} is not used: {why}" for name, why in sorted(lab.refused.items())]
    return LabStatusResult(
        lab.at.scheduler,
        tuple(sorted({report.host for report in lab.reports})),
        tuple(sorted(devices, key=lambda device: (device.host, device.name))),
        tuple(problems),
        datetime.now(UTC),
    )
