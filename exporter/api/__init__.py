"""The Python interface, for notebooks and scripts: the commands as functions with types; import `mobile_export`.

Every function gives a frozen result with its `verdicts`, none where nothing is judged, and the `exit_code` that the
command would end with. Nothing is printed; in Jupyter a result shows itself. Errors are those of
`exporter.data.errors`: `UsageProblem` for input that is wrong, `ToolError` for what failed on input that looked right;
and `DeviceError` for devices.
"""

from device_harness.errors import DeviceError
from exporter.api.files import budget, compare, devices, inspect, render, report, target, targets
from exporter.api.jobs import check, compress, convert, run, search, verify
from exporter.api.model import Model
from exporter.api.results import (
    BudgetResult,
    CheckResult,
    CompareResult,
    CompressResult,
    DevicesResult,
    InspectResult,
    RunResult,
    SearchResult,
    TargetsResult,
    VerifyResult,
)
from exporter.data.errors import ToolError, UsageProblem

__all__ = [
    "BudgetResult",
    "CheckResult",
    "CompareResult",
    "CompressResult",
    "DeviceError",
    "DevicesResult",
    "InspectResult",
    "Model",
    "RunResult",
    "SearchResult",
    "TargetsResult",
    "ToolError",
    "UsageProblem",
    "VerifyResult",
    "budget",
    "check",
    "compare",
    "compress",
    "convert",
    "devices",
    "inspect",
    "render",
    "report",
    "run",
    "search",
    "target",
    "targets",
    "verify",
]
